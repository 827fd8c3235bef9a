import { expect, test } from "vitest";
import { localTierRules } from "./local-tier-options.ts";

test("without options it is bounded, in entries and bytes", () => {
  expect(localTierRules({})).toEqual({ policy: "lru", maxEntries: 10_000, maxBytes: 67_108_864 });
  expect(localTierRules({ maxBytes: Number.POSITIVE_INFINITY })).toMatchObject({
    maxBytes: Number.POSITIVE_INFINITY,
  });
  expect(localTierRules(false)).toBe(false);
});

test.each<[object, RegExp]>([
  [{ maxEntries: 1.5 }, /l1.maxEntries/],
  [{ maxBytes: -1 }, /l1.maxBytes/],
  [{ policy: "arc" }, /l1.policy must be one of/],
  [{ maxEntry: 5 }, /did you mean "maxEntries"/],
])("%o is an error that says why", (options, message) => {
  expect(() => localTierRules(options)).toThrow(message);
});
