import { expect, test } from "vitest";
import { requireCount } from "./count.ts";

test.each([1, 2, 2 ** 53 - 1])("%d is a count", (value) => {
  expect(() => requireCount("count", value)).not.toThrow();
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", undefined])(
  "%s is none, and named",
  (value) => {
    expect(() => requireCount("copies", value as number)).toThrow(
      new RangeError(`copies must be an integer of at least 1, got ${String(value)}`),
    );
  },
);
