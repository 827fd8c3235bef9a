import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingSum } from "./sliding-sum.ts";

test("sums what was added", () => {
  const sum = new SlidingSum(1000);
  sum.add(3, 0);
  sum.add(4, 500);
  expect(sum.sumAt(999)).toBe(7);
});

test("what is older than the window is gone, a slice at a time", () => {
  const sum = new SlidingSum(1000);
  sum.add(1, 0);
  sum.add(10, 150);
  expect(sum.sumAt(999)).toBe(11);
  expect(sum.sumAt(1000)).toBe(10);
  expect(sum.sumAt(1100)).toBe(0);
});

test("a long silence empties the window", () => {
  const sum = new SlidingSum(1000);
  sum.add(5, 10);
  expect(sum.sumAt(1e9)).toBe(0);
});

test("a clock that goes back changes nothing", () => {
  const sum = new SlidingSum(1000);
  sum.add(1, 5000);
  sum.add(2, 100);
  expect(sum.sumAt(0)).toBe(3);
  expect(sum.sumAt(5000)).toBe(3);
  expect(sum.sumAt(6000)).toBe(0);
});

test("cleared, it starts again from zero", () => {
  const sum = new SlidingSum(1000);
  sum.add(5, 10);
  sum.clear();
  sum.add(2, 20);
  expect(sum.sumAt(30)).toBe(2);
});

test("counts everything of the last nine tenths and nothing older than the window", () => {
  const gaps = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: -9, max: 9 })),
    {
      minLength: 1,
    },
  );
  const starts = fc.integer({ min: -5000, max: 5000 });
  fc.assert(
    fc.property(starts, gaps, (startMs, steps) => {
      const sliding = new SlidingSum(1000);
      const added: { amount: number; atMs: number }[] = [];
      let nowMs = startMs;
      for (const [gapMs, amount] of steps) {
        nowMs += gapMs;
        added.push({ amount, atMs: nowMs });
        sliding.add(amount, nowMs);
        // The slice that is now is the last of ten, so the window began at a multiple of 100.
        const fromMs = (Math.floor(nowMs / 100) - 9) * 100;
        expect(nowMs - fromMs).toBeGreaterThanOrEqual(900);
        expect(nowMs - fromMs).toBeLessThan(1000);
        const expected = added
          .filter(({ atMs }) => atMs >= fromMs)
          .reduce((sum, { amount }) => sum + amount, 0);
        expect(sliding.sumAt(nowMs)).toBe(expected);
      }
    }),
  );
});

test("a window of no length, or without slices, is refused", () => {
  expect(() => new SlidingSum(0)).toThrow(/windowMs must be a positive number of milliseconds/);
  expect(() => new SlidingSum(1000, 0)).toThrow(/slices must be an integer of at least 1/);
});
