import { systemClock } from "@headroom/core/clock";
import { expect, test } from "vitest";
import { redisDriverRules } from "./redis-driver-options.ts";

test("without options it is safe", () => {
  expect(redisDriverRules({})).toMatchObject({
    prefix: "hrq",
    timeoutMs: 5_000,
    allowEviction: false,
    clock: systemClock,
  });
});

test("a wrong option is named", () => {
  expect(() => redisDriverRules({ timeoutMs: 0 })).toThrow(/timeoutMs must be/);
  expect(() => redisDriverRules({ prefix: "{a}" })).toThrow(/prefix must be without braces/);
  expect(() => redisDriverRules({ allowEviction: 1 as never })).toThrow(/allowEviction must be/);
  expect(() => redisDriverRules({ timeout: 1 } as never)).toThrow(/did you mean "timeoutMs"/);
});
