import fc from "fast-check";
import { expect, test } from "vitest";
import { type Random, seededRandom, systemRandom } from "./random.ts";

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, random);

/** Pearson's statistic of `draws` over equal bins: its mean is bins - 1 if they are uniform. */
function chiSquare(draws: number[], bins: number): number {
  const counts = new Array<number>(bins).fill(0);
  for (const value of draws) {
    const bin = Math.floor(value * bins);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const expected = draws.length / bins;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test("the same seed gives the same sequence", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(draw(seededRandom(seed), 20)).toEqual(draw(seededRandom(seed), 20));
    }),
  );
});

test("the sequence is the same on every machine", () => {
  // Computed apart from this file, with 64-bit integers: a change would break saved seeds.
  expect(draw(seededRandom(42), 4).map((value) => value * 2 ** 32)).toEqual([
    551_831_576, 144_025_891, 322_543_647, 3_034_809_370,
  ]);
});

test("different seeds give different sequences", () => {
  const firsts = new Set(Array.from({ length: 10_000 }, (_, seed) => seededRandom(seed)()));
  expect(firsts.size).toBe(10_000);
});

test("every number lies in [0, 1)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const draws = draw(seededRandom(seed), 100);
      expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...draws)).toBeLessThan(1);
    }),
  );
});

// With 99 degrees of freedom a uniform source stays between 48 and 172 but for one time in 10^5.
test("numbers of one seed spread evenly", () => {
  const statistic = chiSquare(draw(seededRandom(1), 100_000), 100);
  expect(statistic).toBeGreaterThan(48);
  expect(statistic).toBeLessThan(172);
});

test("first numbers of neighbouring seeds spread evenly", () => {
  const firsts = Array.from({ length: 100_000 }, (_, seed) => seededRandom(seed)());
  const statistic = chiSquare(firsts, 100);
  expect(statistic).toBeGreaterThan(48);
  expect(statistic).toBeLessThan(172);
});

test("pairs of successive numbers spread evenly over the square", () => {
  const random = seededRandom(7);
  const cells = Array.from({ length: 100_000 }, () => {
    const row = Math.floor(random() * 10);
    return (row + random()) / 10;
  });
  const statistic = chiSquare(cells, 100);
  expect(statistic).toBeGreaterThan(48);
  expect(statistic).toBeLessThan(172);
});

test("a seed must be an integer", () => {
  for (const seed of [0.5, Number.NaN, Number.POSITIVE_INFINITY, "1" as unknown as number]) {
    expect(() => seededRandom(seed)).toThrow(TypeError);
  }
  expect(() => seededRandom(0.5)).toThrow("seed must be an integer, got 0.5");
});

test("only the low 32 bits of a seed count", () => {
  expect(draw(seededRandom(2 ** 32 + 5), 5)).toEqual(draw(seededRandom(5), 5));
  expect(draw(seededRandom(-1), 5)).toEqual(draw(seededRandom(2 ** 32 - 1), 5));
});

test("the system's source gives numbers in [0, 1) that differ", () => {
  const draws = draw(systemRandom, 1_000);
  expect(new Set(draws).size).toBe(1_000);
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...draws)).toBeLessThan(1);
});
