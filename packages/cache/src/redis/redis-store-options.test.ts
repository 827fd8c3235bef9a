import { expect, test } from "vitest";
import { redisStoreRules } from "./redis-store-options.ts";

test("what is left out has its default", () => {
  expect(redisStoreRules({})).toEqual({
    timeoutMs: 50,
    circuit: {},
    keyPrefix: "hr",
    rememberTagsMs: 604_800_000,
  });
});

test.each([
  [{ timeout: 5 }, 'redisStore: unknown option "timeout", did you mean "timeoutMs"?'],
  [{ timeoutMs: 0 }, "timeoutMs must be a positive number of milliseconds, got 0"],
  [{ rememberTagsMs: -1 }, "rememberTagsMs must be a positive number of milliseconds, got -1"],
  [{ keyPrefix: "{x}" }, 'keyPrefix must be without braces, got "{x}"'],
  [{ circuit: { failures: 3 } }, /redisStore circuit: unknown option "failures"/],
  [{ circuit: { consecutiveFailures: 0 } }, /consecutiveFailures must be an integer of at least 1/],
  [{ circuit: { minRequests: 0.5 } }, /minRequests/],
])("%o is refused before anything is stored", (options, message) => {
  expect(() => redisStoreRules(options as object)).toThrow(message);
});
