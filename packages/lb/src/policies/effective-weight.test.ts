import fc from "fast-check";
import { expect, test } from "vitest";
import { candidatesOf } from "../../test/candidates.ts";
import { areEqual, effectiveUnits, effectiveWeights } from "./effective-weight.ts";

const known = fc.record({
  weight: fc.double({ min: 0.01, max: 1000, noNaN: true }),
  share: fc.double({ min: 0.01, max: 1, noNaN: true }),
});
const some = fc.array(known, { minLength: 1, maxLength: 10 });

test("a weight is the configured one times the share", () => {
  const all = candidatesOf({ weight: 2 }, { weight: 3, share: 0.1 });
  expect([...effectiveWeights(all)]).toEqual([2, 3 * 0.1]);
});

test("a target of the smallest weight has one unit", () => {
  const units = (...weights: number[]): number[] => [
    ...effectiveUnits(candidatesOf(...weights.map((weight) => ({ weight })))),
  ];
  expect(units(1, 1, 1)).toEqual([1, 1, 1]);
  expect(units(10, 10, 20)).toEqual([1, 1, 2]);
  expect(units(0.5)).toEqual([1]);
});

test("who starts slowly has less than its units", () => {
  expect([...effectiveUnits(candidatesOf({}, { share: 0.1 }))]).toEqual([1, 0.1]);
  expect([...effectiveUnits(candidatesOf({ weight: 3 }, { weight: 6, share: 0.5 }))]).toEqual([
    1, 1,
  ]);
});

test("what all have in common does not count: neither weight nor share", () => {
  fc.assert(
    fc.property(some, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, factor) => {
      const units = [...effectiveUnits(candidatesOf(...list))];
      const heavier = list.map((each) => ({ ...each, weight: each.weight * factor }));
      const slower = list.map((each) => ({ ...each, share: each.share * factor }));
      for (const changed of [heavier, slower]) {
        const same = [...effectiveUnits(candidatesOf(...changed))];
        same.forEach((unit, index) => {
          expect(unit / (units[index] as number)).toBeCloseTo(1, 9);
        });
      }
    }),
  );
});

test("units are in proportion to the effective weights", () => {
  fc.assert(
    fc.property(some, (list) => {
      const all = candidatesOf(...list);
      const ratios = effectiveUnits(all).map(
        (unit, index) => unit / (effectiveWeights(all)[index] as number),
      );
      for (const ratio of ratios) expect(ratio / (ratios[0] as number)).toBeCloseTo(1, 9);
    }),
  );
});

test("weights are equal or not", () => {
  expect(areEqual(Float64Array.of(2, 2, 2))).toBe(true);
  expect(areEqual(Float64Array.of(2))).toBe(true);
  expect(areEqual(Float64Array.of(2, 2, 2.1))).toBe(false);
});
