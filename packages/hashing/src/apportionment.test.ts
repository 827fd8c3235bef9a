import fc from "fast-check";
import { expect, test } from "vitest";
import { apportion } from "./apportionment.ts";

const weight = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
);
const weights = fc.array(weight, { minLength: 1, maxLength: 40 });
const seats = fc.integer({ min: 1, max: 65_536 });

test.each([
  [10, [1, 2], [3, 7]],
  [10, [1, 1, 1], [4, 3, 3]],
  [4, [1, 1, 100], [0, 0, 4]],
  // The Alabama paradox: one seat more in all is one less for the last.
  [10, [6, 6, 2], [4, 4, 2]],
  [11, [6, 6, 2], [5, 5, 1]],
])("%d seats for %j are %j", (total, shares, expected) => {
  expect([...apportion(total, shares)]).toEqual(expected);
});

test("everybody has the quota, rounded down or up, and all seats are given", () => {
  fc.assert(
    fc.property(seats, weights, (total, shares) => {
      const counts = [...apportion(total, shares)];
      const sum = shares.reduce((a, b) => a + b, 0);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(total);
      counts.forEach((count, index) => {
        const quota = (total * (shares[index] as number)) / sum;
        expect(Math.abs(count - quota)).toBeLessThan(1 + 1e-6);
      });
    }),
  );
});

test("raising a weight never lowers its own count", () => {
  fc.assert(
    fc.property(seats, weights, fc.nat(), weight, (total, shares, pick, more) => {
      const index = pick % shares.length;
      const raised = shares.with(index, (shares[index] as number) + more);
      const before = apportion(total, shares)[index] as number;
      expect(apportion(total, raised)[index]).toBeGreaterThanOrEqual(before);
    }),
  );
});

test("the extreme weights that nodes may have are in proportion", () => {
  expect([...apportion(6, [1e30, 1e30, 1e30])]).toEqual([2, 2, 2]);
  expect([...apportion(6, [1e-30, 2e-30])]).toEqual([2, 4]);
  expect([...apportion(65_536, [1e-30, 1e30])]).toEqual([0, 65_536]);
});
