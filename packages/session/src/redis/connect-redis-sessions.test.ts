import { expect, test } from "vitest";
import { connectRedisSessions } from "./connect-redis-sessions.ts";

// With sessions that connect-redis has made: test/integration/session-adoption.test.ts

test("a wrong client and a wrong option are named", () => {
  expect(() => connectRedisSessions({} as never)).toThrow(/client must be/);
  expect(() => connectRedisSessions({} as never, { prefx: "a" } as never)).toThrow(/"prefix"/);
});
