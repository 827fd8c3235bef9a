import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, equalCandidates, type FakeCandidate } from "../../test/candidates.ts";
import { NONE, WeightedDraw } from "./weighted-draw.ts";

const DRAWS = 100_000;

/** How often each pair was drawn, as `counts[first][second]`. */
function pairs(
  all: readonly FakeCandidate[],
  seed: number,
  exclude?: ReadonlySet<FakeCandidate>,
): number[][] {
  const draw = new WeightedDraw(all, seededRandom(seed));
  const counts = all.map(() => all.map(() => 0));
  for (let step = 0; step < DRAWS; step++) {
    const first = draw.one(exclude);
    const second = draw.another(first, exclude);
    const row = counts[first] as number[];
    row[second] = (row[second] as number) + 1;
  }
  return counts;
}

/** Two different ones of all the units that are not excluded. */
function expectedPairs(units: readonly number[]): number[][] {
  const total = units.reduce((sum, unit) => sum + unit, 0);
  return units.map((first, i) => {
    const left = units.map((unit, j) => (i === j ? Math.max(0, unit - 1) : unit));
    const rest = left.reduce((sum, unit) => sum + unit, 0);
    return left.map((unit) => (DRAWS * (first / total) * unit) / rest);
  });
}

function expectPairs(found: number[][], units: readonly number[]): void {
  const expected = expectedPairs(units).flat();
  const counts = found.flat();
  const possible = expected.flatMap((mean, index) => (mean > 0 ? [index] : []));
  const impossible = counts.filter((_, index) => !possible.includes(index));
  expect(impossible.every((count) => count === 0)).toBe(true);
  const statistic = chiSquare(
    possible.map((index) => counts[index] as number),
    possible.map((index) => expected[index] as number),
  );
  expect(statistic).toBeLessThan(chiSquareBound(Math.max(1, possible.length - 1)));
}

describe("pairs of different units (99.99 %)", () => {
  test.each([
    ["two equal targets", [{}, {}], [1, 1], 1],
    ["five equal targets", [{}, {}, {}, {}, {}], [1, 1, 1, 1, 1], 2],
    ["equal weights other than 1", [{ weight: 8 }, { weight: 8 }, { weight: 8 }], [1, 1, 1], 3],
    ["weights 2 and 1", [{ weight: 2 }, {}], [2, 1], 4],
    ["weights 3, 1 and 1.5", [{ weight: 3 }, {}, { weight: 1.5 }], [3, 1, 1.5], 5],
    ["a heavy one and two light ones", [{ weight: 40 }, {}, {}], [40, 1, 1], 6],
    ["one that starts slowly", [{}, {}, { share: 0.1 }], [1, 1, 0.1], 7],
    // Here the second draw nearly always ends by adding up the rest.
    ["two, one of which starts slowly", [{}, { share: 0.01 }], [1, 0.01], 8],
  ])("%s", (_, known, units, seed) => {
    expectPairs(pairs(candidatesOf(...known), seed), units);
  });

  test.each([
    ["of equal targets, one excluded", [{}, {}, {}, {}], [1], [1, 0, 1, 1], 11],
    ["of equal targets, most excluded", Array(40).fill({}), [...Array(37).keys()], null, 12],
    [
      "of weights 5, 2, 1, 1, the first excluded",
      [{ weight: 5 }, { weight: 2 }, {}, {}],
      [0],
      [0, 2, 1, 1],
      13,
    ],
    [
      "of weights 3, 2, 1, the last excluded",
      [{ weight: 3 }, { weight: 2 }, {}],
      [2],
      [3, 2, 0],
      14,
    ],
    ["one of two units is left", [{ weight: 2 }, {}, {}], [1, 2], [2, 0, 0], 15],
  ])("%s", (_, known, out, units, seed) => {
    const all = candidatesOf(...known);
    const exclude = new Set(out.map((index) => all[index] as FakeCandidate));
    const left = all.map((candidate) => (exclude.has(candidate) ? 0 : 1));
    expectPairs(pairs(all, seed, exclude), units ?? left);
  });
});

describe("nobody is left", () => {
  test("beside the only target", () => {
    const draw = new WeightedDraw(equalCandidates(1), seededRandom(1));
    expect(draw.one(undefined)).toBe(0);
    expect(draw.another(0, undefined)).toBe(NONE);
  });

  test("beside the only one of one unit that is not excluded", () => {
    const [a, b, c] = candidatesOf({ weight: 2 }, {}, {}) as [
      FakeCandidate,
      FakeCandidate,
      FakeCandidate,
    ];
    const draw = new WeightedDraw([a, b, c], seededRandom(1));
    expect(draw.one(new Set([a, c]))).toBe(1);
    expect(draw.another(1, new Set([a, c]))).toBe(NONE);
  });

  test("when all are excluded", () => {
    for (const all of [candidatesOf({}, {}), candidatesOf({ weight: 2 }, {})]) {
      expect(new WeightedDraw(all, seededRandom(1)).one(new Set(all))).toBe(NONE);
    }
  });
});

test("an empty set excludes nobody, and neither does a stranger", () => {
  const [stranger] = candidatesOf({}) as [FakeCandidate];
  for (const exclude of [new Set<FakeCandidate>(), new Set([stranger])]) {
    expectPairs(pairs(candidatesOf({}, {}, {}), 21, exclude), [1, 1, 1]);
  }
});

test("a draw among equals takes one random number, a pair two", () => {
  let drawn = 0;
  const random = seededRandom(1);
  const draw = new WeightedDraw(equalCandidates(100), () => {
    drawn += 1;
    return random();
  });
  draw.another(draw.one(undefined), undefined);
  expect(drawn).toBe(2);
});

test("what is drawn exists, for any chance, weights and exclusions", () => {
  const target = fc.record({
    weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    out: fc.boolean(),
  });
  const chance = fc.infiniteStream(fc.constantFrom(0, 0.25, 0.5, 0.999, 1 - 2 ** -53));
  fc.assert(
    fc.property(fc.array(target, { minLength: 1, maxLength: 8 }), chance, (known, numbers) => {
      const all = candidatesOf(...known);
      const exclude = new Set(all.filter((_, index) => known[index]?.out));
      const draw = new WeightedDraw(all, () => numbers.next().value as number);
      const first = draw.one(exclude);
      if (exclude.size === all.length) {
        expect(first).toBe(NONE);
        return;
      }
      expect(exclude.has(all[first] as FakeCandidate)).toBe(false);
      const second = draw.another(first, exclude);
      if (second !== NONE) expect(exclude.has(all[second] as FakeCandidate)).toBe(false);
    }),
  );
});
