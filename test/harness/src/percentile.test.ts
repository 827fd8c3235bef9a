import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { percentile } from "./percentile.ts";

const someNumbers = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 });
const aFraction = fc.double({ min: 0, max: 1, noNaN: true });

describe("percentile", () => {
  test("is the nearest rank of the textbook example", () => {
    const values = [50, 15, 40, 20, 35];
    expect([0.05, 0.3, 0.4, 0.5, 1].map((p) => percentile(values, p))).toEqual([
      15, 20, 20, 35, 50,
    ]);
  });

  test("of nothing is undefined", () => {
    expect(percentile([], 0.99)).toBeUndefined();
  });

  test("does not slip a rank where the product of floats is a little too big", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    const fractions = hundred.map((value) => value / 100);
    expect(fractions.map((p) => percentile(hundred, p))).toEqual(hundred);
  });

  test("leaves the values as they were", () => {
    const values = [3, 1, 2];
    percentile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });

  test("refuses 99 where 0.99 is meant, and NaN among the values", () => {
    expect(() => percentile([1], 99)).toThrow("fraction must be a number from 0 to 1, got 99");
    expect(() => percentile([1], Number.NaN)).toThrow(RangeError);
    expect(() => percentile([1, Number.NaN, 2], 0.5)).toThrow("values must be numbers, got NaN");
  });

  test("is the smallest of the values that has the asked share at or below it", () => {
    fc.assert(
      fc.property(someNumbers, aFraction, (values, fraction) => {
        const found = percentile(values, fraction) ?? Number.NaN;
        const shareUpTo = (limit: number): number =>
          values.filter((value) => value <= limit).length / values.length;
        expect(values.some((value) => value === found)).toBe(true);
        expect(shareUpTo(found)).toBeGreaterThanOrEqual(fraction);
        for (const smaller of values.filter((value) => value < found)) {
          expect(shareUpTo(smaller)).toBeLessThan(fraction);
        }
      }),
    );
  });
});
