import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, countPicks, type FakeCandidate } from "../../test/candidates.ts";
import { random } from "./random.ts";

const PICKS = 100_000;

test.each([
  ["equal weights", [{}, {}, {}, {}], [1, 1, 1, 1], 1],
  ["weights 1, 2, 5", [{}, { weight: 2 }, { weight: 5 }], [1, 2, 5], 2],
  ["one that starts slowly", [{}, { weight: 2, share: 0.25 }], [1, 0.5], 3],
])("chances are the weights: %s (99.99 %%)", (_, known, weights, seed) => {
  const all = candidatesOf(...known);
  const counts = countPicks(random({ random: seededRandom(seed) }).picker(all, all), all, PICKS);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const expected = weights.map((weight) => (PICKS * weight) / total);
  expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(weights.length - 1));
});

test("load makes no difference", () => {
  const all = candidatesOf({ inFlight: 1000, latencyMs: 1e6 }, {});
  const counts = countPicks(random({ random: seededRandom(4) }).picker(all, all), all, PICKS);
  expect(chiSquare(counts, [PICKS / 2, PICKS / 2])).toBeLessThan(chiSquareBound(1));
});

test("of the others, when some are excluded, by weight too", () => {
  const all = candidatesOf({ weight: 9 }, {}, { weight: 3 });
  const picker = random({ random: seededRandom(5) }).picker(all, all);
  const exclude = new Set([all[0] as FakeCandidate]);
  const [first, ...others] = countPicks(picker, all, PICKS, { nowMs: 0, exclude });
  expect(first).toBe(0);
  expect(chiSquare(others, [PICKS / 4, (PICKS * 3) / 4])).toBeLessThan(chiSquareBound(1));
  expect(picker.pick({ nowMs: 0, exclude: new Set(all) })).toBeUndefined();
});
