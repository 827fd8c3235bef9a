// What the steps do is shown on real servers. Here: what would not be seen there.
import { expect, test } from "vitest";
import { LUA_CLAIM, LUA_STEPS, LUA_TIME } from "./redis-queue-lua.ts";

test("no time of a client's is in the steps: now is the server's", () => {
  expect(LUA_TIME).toContain("call('TIME')");
  expect(`${LUA_STEPS}${LUA_CLAIM}`.match(/ARGV\[\d+\]/g)).toEqual(["ARGV[1]", "ARGV[1]"]);
});

test("times are never written with the 14 digits of `..`", () => {
  for (const line of `${LUA_STEPS}${LUA_CLAIM}`.split("\n")) {
    expect(line).not.toMatch(/\.\. now\b|\bnow \.\./);
  }
});

test("what is done for others in one claim is bounded", () => {
  expect(LUA_CLAIM).toMatch(/recover\(100\)/);
  expect(LUA_CLAIM).toMatch(/promote\(200\)/);
  expect(LUA_STEPS.match(/'LIMIT', 0, (most|200)/g)).toHaveLength(3);
});
