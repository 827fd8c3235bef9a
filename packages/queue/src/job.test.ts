import { expect, test } from "vitest";
import {
  batch,
  isUnrecoverable,
  RetryAfterError,
  retryAfterMs,
  UnrecoverableError,
} from "./job.ts";

test("what a handler throws to decide is known by its brand, also from another copy", () => {
  expect(isUnrecoverable(new UnrecoverableError("no"))).toBe(true);
  expect(isUnrecoverable(Object.create(UnrecoverableError.prototype))).toBe(true);
  expect(isUnrecoverable(new Error("no"))).toBe(false);
  expect(isUnrecoverable(null)).toBe(false);
  expect(retryAfterMs(new RetryAfterError(1_500))).toBe(1_500);
  expect(retryAfterMs(new Error("no"))).toBeUndefined();
  expect(retryAfterMs("text")).toBeUndefined();
  expect(new RetryAfterError(5)).toMatchObject({ name: "RetryAfterError", delayMs: 5 });
  expect(new UnrecoverableError("why", { cause: 1 })).toMatchObject({ message: "why", cause: 1 });
});

test("a delay that is none is a mistake at once", () => {
  for (const delayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new RetryAfterError(delayMs)).toThrow(RangeError);
  }
});

test("a batch has a size", () => {
  const handle = async (): Promise<void> => {};
  expect(batch(100, handle)).toEqual({ size: 100, handle });
  for (const size of [0, 1.5, 1_001]) expect(() => batch(size, handle)).toThrow(RangeError);
});
