import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { candidatesOf, equalCandidates, type FakeCandidate } from "../../test/candidates.ts";
import { boundedRing } from "./bounded-ring.ts";
import { ring } from "./ring.ts";

const random = seededRandom(1);

/** Requests of one key that stay, until there are so many. */
function fillWithOneKey(
  all: readonly FakeCandidate[],
  available: readonly FakeCandidate[],
  requests: number,
  balanceFactor?: number,
): void {
  const picker = boundedRing({ random, balanceFactor }).picker(available, all);
  for (let request = 0; request < requests; request++) {
    const chosen = picker.pick({ nowMs: 0, key: "hot" });
    if (chosen !== undefined) chosen.inFlight += 1;
  }
}

describe("a hot key", () => {
  test("stays within the bound at each target", () => {
    const all = equalCandidates(5);
    fillWithOneKey(all, all, 1000);
    for (const { inFlight } of all) expect(inFlight).toBeLessThanOrEqual(Math.ceil(1.25 * 200));
    expect(Math.max(...all.map(({ inFlight }) => inFlight))).toBe(250);
  });

  test("stays nearer to the mean with a smaller factor, and by weight", () => {
    const all = candidatesOf({}, { weight: 3 });
    fillWithOneKey(all, all, 1000, 1);
    expect(all.map(({ inFlight }) => inFlight)).toEqual([250, 750]);
  });

  test("goes past targets that are out, whose load does not count", () => {
    const all = equalCandidates(5);
    const available = all.slice(0, 3);
    for (const out of all.slice(3)) out.inFlight = 1000;
    fillWithOneKey(all, available, 300);
    for (const { inFlight } of available) expect(inFlight).toBeLessThanOrEqual(125);
    expect(all.slice(3).map(({ inFlight }) => inFlight)).toEqual([1000, 1000]);
  });
});

test("while nobody is overloaded it is the ring", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(50), (key, load) => {
      const all = equalCandidates(6, { inFlight: load });
      const bounded = boundedRing({ random, balanceFactor: 1.5 }).picker(all, all);
      expect(bounded.pick({ nowMs: 0, key })).toBe(
        ring({ random }).picker(all, all).pick({ nowMs: 0, key }),
      );
    }),
    { numRuns: 50 },
  );
});

test("there is somebody as long as one is usable, however loaded", () => {
  const all = equalCandidates(3, { inFlight: 1e9 });
  const picker = boundedRing({ random }).picker(all, all);
  const exclude = new Set(all.slice(0, 2));
  expect(picker.pick({ nowMs: 0, key: "k", exclude })).toBe(all[2]);
  expect(picker.pick({ nowMs: 0, key: "k", exclude: new Set(all) })).toBeUndefined();
});

test("the factor is checked when the policy is made", () => {
  for (const balanceFactor of [0.9, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => boundedRing({ balanceFactor })).toThrow(RangeError);
  }
  expect(() => boundedRing({ balanceFactor: "2" as unknown as number })).toThrow(
    new TypeError("balanceFactor must be a number, got string"),
  );
  expect(() => boundedRing({ balancefactor: 2 } as object)).toThrow(
    'boundedRing: unknown option "balancefactor", did you mean "balanceFactor"?',
  );
});
