import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import {
  candidatesOf,
  countPicks,
  equalCandidates,
  type FakeCandidate,
} from "../../test/candidates.ts";
import { TwoChoices } from "./two-choices.ts";

const inFlight = ({ inFlight: load }: { inFlight: number }): number => load;

/** The numbers of `random`, one after the other. */
function script(...numbers: number[]): () => number {
  return () => numbers.shift() ?? Number.NaN;
}

test("the less loaded of the two drawn is taken, whichever was first", () => {
  const [a, b, c] = candidatesOf({ inFlight: 2 }, { inFlight: 1 }, { inFlight: 0 });
  const pick = (...numbers: number[]): FakeCandidate | undefined =>
    new TwoChoices([a, b, c] as FakeCandidate[], script(...numbers), inFlight).pick({ nowMs: 0 });
  // The first of three, then of the other two.
  expect(pick(0, 0)).toBe(b);
  expect(pick(0, 0.5)).toBe(c);
  expect(pick(0.4, 0)).toBe(b);
  expect(pick(0.4, 0.5)).toBe(c);
  expect(pick(0.9, 0)).toBe(c);
});

test("a tie goes to the first drawn", () => {
  const [a, b] = candidatesOf({}, {}) as [FakeCandidate, FakeCandidate];
  expect(new TwoChoices([a, b], script(0, 0), inFlight).pick({ nowMs: 0 })).toBe(a);
  expect(new TwoChoices([a, b], script(0.5, 0), inFlight).pick({ nowMs: 0 })).toBe(b);
});

test("load is asked with the time and the units of weight", () => {
  const asked: [string, number, number][] = [];
  const all = candidatesOf({ weight: 3 }, { weight: 6, share: 0.5 }, { weight: 6 });
  const picker = new TwoChoices(all, seededRandom(5), ({ id }, units, nowMs) => {
    asked.push([id, units, nowMs]);
    return 0;
  });
  for (let nowMs = 0; nowMs < 50; nowMs++) picker.pick({ nowMs });
  const unitsOf: Record<string, number> = { a: 1, b: 1, c: 2 };
  expect(asked.length).toBeGreaterThan(0);
  for (const [id, units] of asked) expect(units).toBe(unitsOf[id]);
  expect(asked.every(([, , nowMs], index) => nowMs >= (asked[index - 1]?.[2] ?? 0))).toBe(true);
});

test("nobody asks for a load where there is no choice", () => {
  const refuse = (): number => {
    throw new Error("asked");
  };
  const [only] = equalCandidates(1) as [FakeCandidate];
  expect(new TwoChoices([only], seededRandom(1), refuse).pick({ nowMs: 0 })).toBe(only);
  const [a, b] = candidatesOf({}, {}) as [FakeCandidate, FakeCandidate];
  const picker = new TwoChoices([a, b], seededRandom(1), refuse);
  expect(picker.pick({ nowMs: 0, exclude: new Set([a]) })).toBe(b);
  expect(picker.pick({ nowMs: 0, exclude: new Set([a, b]) })).toBeUndefined();
});

test("the most loaded of equals is never taken", () => {
  const all = candidatesOf({ inFlight: 3 }, { inFlight: 2 }, { inFlight: 1 }, {});
  const picker = new TwoChoices(all, seededRandom(2), inFlight);
  expect(countPicks(picker, all, 10_000)[0]).toBe(0);
});
