import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { expect, test } from "vitest";
import { randomKeys } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, equalCandidates, type FakeCandidate } from "../../test/candidates.ts";
import { keyedTargets } from "./keyed-policy.ts";
import { createTargetRing, ring, ringScale } from "./ring.ts";

const KEYS = randomKeys(20_000, 2);

function countKeys(all: readonly FakeCandidate[]): number[] {
  const picker = ring({ random: seededRandom(1) }).picker(all, all);
  const counts = all.map(() => 0);
  for (const key of KEYS) {
    const index = all.indexOf(picker.pick({ nowMs: 0, key }) as FakeCandidate);
    counts[index] = (counts[index] as number) + 1;
  }
  return counts;
}

// A weight w of 160 points a unit is off by 1 / √(160 w), and 20,000 keys add little to that.
test.each([
  ["of 1", [1, 1, 1, 1]],
  ["that differ", [1, 2, 3]],
  ["of 0.01", [0.01, 0.01, 0.02]],
  ["of a DNS record", [65_535, 32_768, 65_535]],
])("keys go by weights %s", (_, weights) => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = countKeys(candidatesOf(...weights.map((weight) => ({ weight }))));
  counts.forEach((count, index) => {
    const due = (KEYS.length * (weights[index] as number)) / total;
    expect(Math.abs(count - due)).toBeLessThan(0.35 * due);
  });
});

test("a target that joins takes keys for itself alone", () => {
  const all = equalCandidates(10);
  const policy = ring({ random: seededRandom(1) });
  const nine = all.slice(0, 9);
  const before = policy.picker(nine, nine);
  const after = policy.picker(all, all);
  const moved = KEYS.filter((key) => {
    const place = after.pick({ nowMs: 0, key });
    if (place === before.pick({ nowMs: 0, key })) return false;
    expect(place).toBe(all[9]);
    return true;
  });
  expect(moved.length / KEYS.length).toBeCloseTo(0.1, 1);
});

test("the scale is a power of two by which the smallest weight is 1 to 2", () => {
  expect(ringScale([1, 1])).toBe(1);
  expect(ringScale([5, 10])).toBe(1 / 4);
  expect(ringScale([0.01, 3])).toBe(128);
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (weight) => {
      const scaled = weight * ringScale([weight, weight]);
      expect(scaled).toBeGreaterThanOrEqual(1);
      expect(scaled).toBeLessThan(2);
    }),
  );
});

test("many equal targets keep their points", () => {
  expect(ringScale(Array<number>(10_000).fill(1))).toBe(1);
});

test("weights far apart do not make the ring too large", () => {
  const targets = keyedTargets(candidatesOf({ weight: 1 }, ...Array(9).fill({ weight: 65_535 })));
  const { nodes, pointsPerWeight } = createTargetRing(targets);
  const points = nodes.reduce((sum, { weight }) => sum + Math.max(1, weight * pointsPerWeight), 0);
  expect(points).toBeGreaterThan(2 ** 15 - 10);
  expect(points).toBeLessThanOrEqual(2 ** 16 + 10);
});
