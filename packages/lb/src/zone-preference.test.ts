import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { effectiveWeight, localShare, type ZoneCapacity } from "./zone-preference.ts";

/** Healthy and all targets, of weight 1, here and elsewhere. */
function zones(
  here: readonly [healthy: number, all: number],
  elsewhere: readonly [healthy: number, all: number],
  overprovisioning = 1.4,
): ZoneCapacity {
  return {
    localHealthyWeight: here[0],
    localWeight: here[1],
    remoteHealthyWeight: elsewhere[0],
    remoteWeight: elsewhere[1],
    overprovisioning,
  };
}

/** What stays in the own zone in the end: what must, and by chance what may go anywhere. */
function keptOf(capacity: ZoneCapacity): number {
  const share = localShare(capacity);
  const { localHealthyWeight, remoteHealthyWeight } = capacity;
  return share + ((1 - share) * localHealthyWeight) / (localHealthyWeight + remoteHealthyWeight);
}

describe("the weight of a zone that has lost targets", () => {
  test.each([
    [100, 33, 1 / 3],
    [70, 33, 0.98 / 2.98],
    [69, 32, 0.966 / 2.966],
    [50, 26, 0.7 / 2.7],
    [25, 15, 0.35 / 2.35],
    [0, 0, 0],
  ])(
    "Envoy's locality_weight.rst: %d %% of X healthy, weights 1:2, is %d %% for X",
    (healthy, percent, share) => {
      const x = effectiveWeight(1, healthy / 100, 1.4);
      const y = effectiveWeight(2, 1, 1.4);
      expect(x / (x + y)).toBeCloseTo(share, 12);
      // The document rounds by hand: 32.9 up, 32.6 down.
      expect(Math.abs((100 * x) / (x + y) - percent)).toBeLessThan(1);
    },
  );
});

describe("everything stays", () => {
  test.each([
    ["all are healthy", zones([4, 4], [8, 8])],
    ["three of four here are", zones([3, 4], [8, 8])],
    ["the factor makes up for what is missing", zones([1, 2], [8, 8], 2)],
    ["the others are no better off", zones([1, 4], [2, 8])],
    ["the others are worse off", zones([2, 4], [1, 8])],
    ["nobody elsewhere is healthy", zones([1, 4], [0, 8])],
    ["there is nobody elsewhere", zones([1, 4], [0, 0])],
  ])("when %s", (_, capacity) => {
    expect(localShare(capacity)).toBe(1);
  });
});

describe("a zone that is not fit", () => {
  test.each([
    ["35 % when a quarter is healthy and the others are fit", zones([1, 4], [8, 8]), 0.35],
    ["70 % when half is healthy and the others are fit", zones([5, 10], [8, 8]), 0.7],
    ["half when the others are twice as fit", zones([1, 4], [4, 8]), 0.5],
    ["97 % when just too many are out", zones([69, 100], [200, 200]), 0.966],
  ])("keeps %s", (_, capacity, kept) => {
    expect(keptOf(capacity)).toBeCloseTo(kept, 10);
  });

  test("has requests for itself alone, and its part of those for anybody", () => {
    expect(localShare(zones([1, 4], [8, 8]))).toBeCloseTo(0.26875, 10);
  });
});

describe("no preference", () => {
  test.each([
    ["nobody here is healthy", zones([0, 4], [8, 8])],
    ["there is nobody here", zones([0, 0], [8, 8])],
    ["nobody is healthy anywhere", zones([0, 4], [0, 8])],
    ["by chance it gets more than it is fit for", zones([30, 100], [10, 10])],
  ])("when %s", (_, capacity) => {
    expect(localShare(capacity)).toBe(0);
  });
});

const anyPart = fc
  .tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  )
  .map(([share, all]) => [share * all, all] as const);
/** Some of a number of targets that weigh the same. */
const part = fc
  .tuple(fc.nat(100), fc.nat(100), fc.double({ min: 0.001, max: 1_000, noNaN: true }))
  .map(([a, b, weight]) => [Math.min(a, b) * weight, Math.max(a, b, 1) * weight] as const);
const factor = fc.double({ min: 1, max: 3, noNaN: true });

describe("for any zones", () => {
  test("it is a share", () => {
    fc.assert(
      fc.property(anyPart, anyPart, factor, (here, elsewhere, overprovisioning) => {
        const share = localShare(zones(here, elsewhere, overprovisioning));
        expect(share >= 0 && share <= 1).toBe(true);
      }),
    );
  });

  test("no more stays than the zone is fit for, in comparison, or gets by chance", () => {
    fc.assert(
      fc.property(part, part, factor, (here, elsewhere, overprovisioning) => {
        if (here[0] === 0 || elsewhere[0] === 0) return;
        const capacity = zones(here, elsewhere, overprovisioning);
        const fitness = effectiveWeight(1, here[0] / here[1], overprovisioning);
        const others = effectiveWeight(1, elsewhere[0] / elsewhere[1], overprovisioning);
        const byChance = here[0] / (here[0] + elsewhere[0]);
        const expected = Math.max(byChance, Math.min(1, fitness / others));
        expect(keptOf(capacity)).toBeCloseTo(expected, 6);
      }),
    );
  });

  test("one more healthy target here never makes less stay", () => {
    const counts = fc.record({
      all: fc.integer({ min: 1, max: 50 }),
      elsewhere: fc.integer({ min: 1, max: 50 }),
      missing: fc.integer({ min: 0, max: 49 }),
    });
    fc.assert(
      fc.property(counts, factor, ({ all, elsewhere, missing }, overprovisioning) => {
        const others = [Math.max(1, elsewhere - missing), elsewhere] as const;
        let before = 0;
        for (let healthy = 1; healthy <= all; healthy++) {
          const kept = keptOf(zones([healthy, all], others, overprovisioning));
          expect(kept).toBeGreaterThanOrEqual(before - 1e-12);
          before = kept;
        }
      }),
    );
  });

  test("a weight left over from subtracting sums is as good as none", () => {
    const residue = 0.1 + 0.2 - 0.3;
    const capacity = {
      ...zones([1, 4], [0, 0]),
      remoteWeight: residue,
      remoteHealthyWeight: residue,
    };
    expect(Number.isNaN(localShare(capacity))).toBe(false);
    expect(keptOf(capacity)).toBeCloseTo(1, 10);
    expect(localShare(zones([1, 1], [Number.MIN_VALUE, Number.MIN_VALUE]))).toBe(1);
  });
});
