import { expect, test } from "vitest";
import { redisFailure } from "./redis-failure.ts";

const reply = (message: string): Error =>
  Object.assign(new Error(message), { name: "ReplyError", command: { args: ["secret"] } });

test.each([
  [reply("OOM command not allowed when used memory > 'maxmemory'. script: 1f"), "OOM"],
  [reply("READONLY You can't write against a read only replica."), "READONLY"],
  [reply("ERR Error running script (call to f_1): @user_script: 3: -OOM command not"), "OOM"],
  [reply("ERR unknown command 'x', with args beginning with: 'secret'"), "ERR"],
  [reply("secret"), "ERR"],
  [Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
  [
    Object.assign(new Error("…"), { name: "MaxRetriesPerRequestError" }),
    "MaxRetriesPerRequestError",
  ],
  [new Error("Connection is closed."), "DISCONNECTED"],
  ["secret", "UNKNOWN"],
])("%s is told as one word", (error, reason) => {
  const failure = redisFailure("redis", error);
  expect(failure).toMatchObject({ code: "CACHE_STORE_FAILED", retryable: true, reason });
  expect(failure.message).toBe(`the store "redis" failed: ${reason}`);
  expect(JSON.stringify(failure)).not.toContain("secret");
});
