import { expect, test } from "vitest";
import { redisFailureCode } from "./redis-failure.ts";

const replied = (message: string): Error =>
  Object.assign(new Error(message), { name: "ReplyError", command: { args: ["secret"] } });

test("of a server's answer the first word is kept, and nothing that it quotes", () => {
  for (const [message, code] of [
    ["OOM command not allowed when used memory > 'maxmemory'.", "OOM"],
    ["READONLY You can't write against a read only replica.", "READONLY"],
    ["ERR Error running script (call to f_0): @user_script:1: -OOM command not allowed", "OOM"],
    ["ERR unknown command 'x', with args beginning with: secret", "ERR"],
  ] as const) {
    expect(redisFailureCode(replied(message))).toBe(code);
  }
});

test("what is no answer has the code of its connection, or its name", () => {
  expect(redisFailureCode(Object.assign(new Error(""), { code: "ECONNREFUSED" }))).toBe(
    "ECONNREFUSED",
  );
  expect(redisFailureCode(new Error("Connection is closed."))).toBe("DISCONNECTED");
  expect(redisFailureCode(new TypeError("x"))).toBe("TypeError");
  expect(redisFailureCode("x")).toBe("UNKNOWN");
});
