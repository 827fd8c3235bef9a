import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import {
  candidatesOf,
  countPicks,
  equalCandidates,
  type FakeCandidate,
  fill,
} from "../../test/candidates.ts";
import { leastInFlight } from "./least-in-flight.ts";

const pickerOf = (all: readonly FakeCandidate[], seed: number) =>
  leastInFlight({ random: seededRandom(seed) }).picker(all, all);

test("nobody else has less in flight for its weight", () => {
  const target = fc.record({
    weight: fc.integer({ min: 1, max: 5 }),
    share: fc.constantFrom(0.1, 0.5, 1),
    inFlight: fc.nat(20),
    out: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(target, { minLength: 1, maxLength: 10 }), fc.integer(), (known, seed) => {
      const all = candidatesOf(...known);
      const loadOf = ({ inFlight, weight, share }: FakeCandidate): number =>
        inFlight / (weight * share);
      const exclude = new Set(all.filter((_, index) => known[index]?.out));
      const left = all.filter((candidate) => !exclude.has(candidate));
      const chosen = pickerOf(all, seed).pick({ nowMs: 0, exclude });
      if (left.length === 0) {
        expect(chosen).toBeUndefined();
        return;
      }
      expect(left).toContain(chosen);
      expect(loadOf(chosen as FakeCandidate)).toBe(Math.min(...left.map(loadOf)));
    }),
  );
});

test("equally loaded ones share by weight, others get nothing (seed 1, 99.99 %)", () => {
  const all = candidatesOf(
    { inFlight: 2 },
    { inFlight: 1 },
    { weight: 3, inFlight: 3 },
    { weight: 4, inFlight: 4 },
    { weight: 49, inFlight: 50 },
  );
  const counts = countPicks(pickerOf(all, 1), all, 80_000);
  expect([counts[0], counts[4]]).toEqual([0, 0]);
  const tied = [counts[2], counts[1], counts[3]] as number[];
  expect(chiSquare(tied, [30_000, 10_000, 40_000])).toBeLessThan(chiSquareBound(2));
});

test("a load of 49 of 49 is that of 1 of 1", () => {
  const all = candidatesOf({ weight: 49, inFlight: 49 }, { inFlight: 1 });
  const [heavy, light] = countPicks(pickerOf(all, 2), all, 10_000) as [number, number];
  expect(chiSquare([heavy, light], [9800, 200])).toBeLessThan(chiSquareBound(1));
});

test("requests that stay are as even as can be", () => {
  const all = equalCandidates(7);
  expect(fill(pickerOf(all, 3), all, 700)).toEqual(all.map(() => 100));
  const weighted = candidatesOf({}, { weight: 2 }, { weight: 4 });
  expect(fill(pickerOf(weighted, 4), weighted, 700)).toEqual([100, 200, 400]);
});
