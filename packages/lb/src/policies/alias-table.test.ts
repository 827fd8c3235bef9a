import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import { AliasTable } from "./alias-table.ts";

const weights = fc
  .array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map((list) => Float64Array.from(list));

const sumOf = (list: Float64Array): number => list.reduce((sum, weight) => sum + weight, 0);

/** Counts over `draws` numbers that lie evenly, so without chance. */
function evenly(list: Float64Array, draws: number): number[] {
  const table = new AliasTable(list);
  const counts = new Array<number>(list.length).fill(0);
  for (let step = 0; step < draws; step++) {
    const index = table.draw(() => (step + 0.5) / draws);
    counts[index] = (counts[index] as number) + 1;
  }
  return counts;
}

test("each index gets its part of all numbers from 0 to 1", () => {
  fc.assert(
    fc.property(weights, (list) => {
      const draws = 20_000;
      evenly(list, draws).forEach((count, index) => {
        const due = (draws * (list[index] as number)) / sumOf(list);
        // Each slot has one border inside and one at its end, where a number may fall to either side.
        expect(Math.abs(count - due)).toBeLessThanOrEqual(2 * list.length);
      });
    }),
  );
});

test("every number gives an index, also the first and the last", () => {
  fc.assert(
    fc.property(weights, (list) => {
      const table = new AliasTable(list);
      for (const number of [0, 0.5, 1 - 2 ** -32, 1 - 2 ** -53]) {
        const index = table.draw(() => number);
        expect(list[index]).toBeGreaterThan(0);
      }
    }),
  );
});

test("draws at random are those of the weights (seed 7, 99.99 %)", () => {
  const list = Float64Array.of(1, 2, 3, 10, 0.5);
  const table = new AliasTable(list);
  const random = seededRandom(7);
  const counts = [0, 0, 0, 0, 0];
  for (let draw = 0; draw < 100_000; draw++) {
    const index = table.draw(random);
    counts[index] = (counts[index] as number) + 1;
  }
  const expected = [...list].map((weight) => (100_000 * weight) / sumOf(list));
  expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(4));
});

test("a light weight beside a heavy one is drawn, though seldom", () => {
  const counts = evenly(Float64Array.of(1, 999), 100_000);
  expect(counts).toEqual([100, 99_900]);
});
