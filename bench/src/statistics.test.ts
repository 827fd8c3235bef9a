import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, percentile, summarizeRatios } from "./statistics.ts";

describe("median", () => {
  test("is the middle value, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test("is the mean of the middle two of an even number", () => {
    expect(median([8, 1, 2, 4])).toBe(3);
  });

  test("has as many values below as above", () => {
    const values = fc.array(fc.integer(), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        const middle = median(list);
        const below = list.filter((value) => value < middle).length;
        const above = list.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(list.length / 2);
      }),
    );
  });
});

describe("percentile", () => {
  test("is a value that was measured, by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([50, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([50, 99, 100]);
    expect(percentile([7], 99)).toBe(7);
  });
});

describe("ratios", () => {
  test("are ours / theirs of the same round, so that a slow round leaves them alone", () => {
    const slowness = [1, 10, 3];
    const ours = slowness.map((factor) => 20 * factor);
    const theirs = slowness.map((factor) => 10 * factor);
    expect(summarizeRatios(ours, theirs)).toEqual({ ratio: 2, min: 2, max: 2 });
  });

  test("are summarized as median, smallest and greatest", () => {
    expect(summarizeRatios([1, 4, 3], [1, 1, 1])).toEqual({ ratio: 3, min: 1, max: 4 });
  });

  test("are the median of the ratios, not the ratio of the medians", () => {
    expect(summarizeRatios([10, 20, 90], [10, 40, 30]).ratio).toBe(1);
  });

  test("take only the rounds in which both were measured", () => {
    expect(summarizeRatios([6, 6, 6], [2])).toEqual({ ratio: 3, min: 3, max: 3 });
  });

  test("do not exist beside a zero", () => {
    expect(summarizeRatios([0, 1], [0, 0])).toEqual({ ratio: null, min: null, max: null });
  });
});
