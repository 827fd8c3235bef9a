import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  candidatesOf,
  equalCandidates,
  type FakeCandidate,
  turnsOf,
} from "../../test/candidates.ts";
import { nextTurn, type Seat, smoothWeightedRoundRobin } from "./smooth-weighted-round-robin.ts";

const half = (): number => 0.5;

/** Seats that all begin at 0, as in nginx. */
function seatsOf(weights: readonly number[]): Seat<string>[] {
  return weights.map((weight, index) => ({
    candidate: String.fromCharCode(97 + index),
    weight,
    standing: { current: 0 },
  }));
}

test("weights 5, 1, 1 are the trace of nginx commit 52327e0627f4", () => {
  const seats = seatsOf([5, 1, 1]);
  const trace = Array.from({ length: 7 }, () => {
    const chosen = nextTurn(seats);
    return [chosen, ...seats.map(({ standing }) => standing.current)];
  });
  expect(trace).toEqual([
    ["a", -2, 1, 1],
    ["a", -4, 2, 2],
    ["b", 1, -4, 3],
    ["a", -1, -3, 4],
    ["c", 4, -2, -2],
    ["a", 2, -1, -1],
    ["a", 0, 0, 0],
  ]);
});

test("and so does the policy, when chance puts all on one level", () => {
  const all = candidatesOf({ weight: 5 }, {}, {});
  const picker = smoothWeightedRoundRobin({ random: half }).picker(all, all);
  expect(turnsOf(picker, 14)).toBe("a a b a c a a a a b a c a a");
});

describe("from equal standings", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });

  test("each has exactly its weight after as many picks as there are weights", () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 3 }), (list, rounds) => {
        const seats = seatsOf(list);
        const total = list.reduce((sum, weight) => sum + weight, 0);
        const chosen = Array.from({ length: rounds * total }, () => nextTurn(seats));
        seats.forEach(({ candidate, weight }) => {
          expect(chosen.filter((each) => each === candidate)).toHaveLength(rounds * weight);
        });
        expect(seats.map(({ standing }) => standing.current)).toEqual(list.map(() => 0));
      }),
    );
  });

  test("nobody is ever a whole pick ahead of its due", () => {
    fc.assert(
      fc.property(weights, (list) => {
        const seats = seatsOf(list);
        const total = list.reduce((sum, weight) => sum + weight, 0);
        const counts = new Map<string, number>();
        for (let pick = 1; pick <= 2 * total; pick++) {
          const chosen = nextTurn(seats) as string;
          counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
          for (const { candidate, weight } of seats) {
            expect(counts.get(candidate) ?? 0).toBeLessThan((pick * weight) / total + 1);
          }
        }
      }),
    );
  });
});

test("an excluded target takes no part: it neither gains nor pays", () => {
  const seats = seatsOf([5, 1, 1]);
  const chosen = Array.from({ length: 4 }, () => nextTurn(seats, new Set(["a"])));
  expect(chosen).toEqual(["b", "c", "b", "c"]);
  expect(seats.map(({ standing }) => standing.current)).toEqual([0, 0, 0]);
  expect(nextTurn(seats, new Set(["a", "b", "c"]))).toBeUndefined();
  expect(seats.map(({ standing }) => standing.current)).toEqual([0, 0, 0]);
});

test("who is out for a while goes on where it was", () => {
  const [a, b, c] = candidatesOf({ weight: 5 }, {}, {}) as [
    FakeCandidate,
    FakeCandidate,
    FakeCandidate,
  ];
  const policy = smoothWeightedRoundRobin({ random: half });
  const all = [a, b, c];
  expect(turnsOf(policy.picker(all, all), 3)).toBe("a a b");
  expect(turnsOf(policy.picker([a, b], all), 6)).toBe("a a a a a b");
  // Of the round that a a b began.
  expect(turnsOf(policy.picker(all, all), 4)).toBe("a c a a");
});

test("the share of a slow start counts", () => {
  const all = candidatesOf({}, { share: 0.25 });
  const picker = smoothWeightedRoundRobin({ random: half }).picker(all, all);
  expect(
    turnsOf(picker, 10)
      .split(" ")
      .filter((id) => id === "b"),
  ).toHaveLength(2);
});

test("processes begin with different targets", () => {
  const firsts = Array.from({ length: 1000 }, (_, seed) => {
    const all = equalCandidates(4);
    return turnsOf(smoothWeightedRoundRobin({ random: seededRandom(seed) }).picker(all, all), 1);
  });
  for (const id of ["t0", "t1", "t2", "t3"]) {
    expect(firsts.filter((first) => first === id).length).toBeGreaterThan(200);
  }
});

test("wherever it begins, turns keep to the weights within two picks", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 }),
      (seed, weights) => {
        const all = candidatesOf(...weights.map((weight) => ({ weight })));
        const picker = smoothWeightedRoundRobin({ random: seededRandom(seed) }).picker(all, all);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const counts = new Map<string, number>();
        for (let pick = 1; pick <= 100; pick++) {
          const id = picker.pick({ nowMs: 0 })?.id as string;
          counts.set(id, (counts.get(id) ?? 0) + 1);
          for (const { id: each, weight } of all) {
            expect(counts.get(each) ?? 0).toBeLessThan((pick * weight) / total + 2);
          }
        }
      },
    ),
  );
});
