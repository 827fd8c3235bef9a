/** What every policy promises: who may be picked, that somebody is, and that a seed repeats it. */

import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { FakeCandidate, type Known } from "../test/candidates.ts";
import { POLICY_NAMES, policyByName } from "./policies/policy-by-name.ts";
import type { Candidate, Picker, Policy } from "./policy.ts";

interface Target extends Known {
  readonly isOut: boolean;
  readonly isExcluded: boolean;
}

const target: fc.Arbitrary<Target> = fc.record({
  weight: fc.oneof(fc.constant(1), fc.double({ min: 0.1, max: 10, noNaN: true })),
  share: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
  inFlight: fc.oneof(fc.constant(0), fc.nat(1000)),
  latencyMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e9, noNaN: true })),
  isOut: fc.boolean(),
  isExcluded: fc.boolean(),
});
/** Equal ones take other ways through the code than mixed ones. */
const targets = fc.oneof(
  fc.array(target, { minLength: 1, maxLength: 12 }),
  fc.array(
    target.map(({ isOut, isExcluded }) => ({ isOut, isExcluded })),
    { minLength: 1, maxLength: 12 },
  ),
);
const keys = fc.array(fc.option(fc.string(), { nil: undefined }), { minLength: 1, maxLength: 20 });

interface Scene {
  readonly all: readonly FakeCandidate[];
  readonly available: readonly FakeCandidate[];
  readonly exclude: ReadonlySet<FakeCandidate>;
}

function sceneOf(known: readonly Target[]): Scene {
  const all = known.map((each, index) => new FakeCandidate(`10.0.0.${index}:80`, each));
  const stranger = new FakeCandidate("elsewhere:80");
  return {
    all,
    available: all.filter((_, index) => !known[index]?.isOut),
    exclude: new Set([stranger, ...all.filter((_, index) => known[index]?.isExcluded)]),
  };
}

describe.each(POLICY_NAMES)("%s", (name) => {
  const pickAll = (scene: Scene, seed: number, requests: readonly (string | undefined)[]) => {
    const picker = policyByName(name, seededRandom(seed)).picker(scene.available, scene.all);
    const { exclude } = scene;
    return requests.map((key, nowMs) => picker.pick({ nowMs, key, exclude }));
  };
  // Tables take milliseconds to build.
  const runs = { numRuns: /^(maglev|(bounded-)?ring)$/.test(name) ? 50 : 200 };

  test("picks one that is available and not excluded, and nobody only if there is none", () => {
    fc.assert(
      fc.property(targets, fc.integer(), keys, (known, seed, requests) => {
        const scene = sceneOf(known);
        fc.pre(scene.available.length > 0);
        const allowed = scene.available.filter((each) => !scene.exclude.has(each));
        for (const chosen of pickAll(scene, seed, requests)) {
          if (allowed.length === 0) expect(chosen).toBeUndefined();
          else expect(allowed).toContain(chosen);
        }
      }),
      runs,
    );
  });

  test("picks the same for the same seed", () => {
    fc.assert(
      fc.property(targets, fc.integer(), keys, (known, seed, requests) => {
        const idsOf = (): (string | undefined)[] => {
          const scene = sceneOf(known);
          return pickAll(scene, seed, requests).map((chosen) => chosen?.id);
        };
        fc.pre(known.some(({ isOut }) => !isOut));
        expect(idsOf()).toEqual(idsOf());
      }),
      runs,
    );
  });

  test("goes on picking right as targets are ejected and return", () => {
    fc.assert(
      fc.property(
        targets,
        fc.integer(),
        fc.array(fc.nat(), { maxLength: 20 }),
        (known, seed, flips) => {
          const { all } = sceneOf(known);
          const policy = policyByName(name, seededRandom(seed));
          const out = new Set<FakeCandidate>();
          for (const flip of flips) {
            const flipped = all[flip % all.length] as FakeCandidate;
            if (!out.delete(flipped)) out.add(flipped);
            const available = all.filter((each) => !out.has(each));
            if (available.length === 0) continue;
            const picker = policy.picker(available, all);
            for (const key of ["a", undefined, "b"]) {
              const chosen = picker.pick({ nowMs: 0, key }) as FakeCandidate;
              expect(available).toContain(chosen);
              chosen.inFlight += 1;
            }
          }
        },
      ),
      runs,
    );
  });

  test("reaches everybody: with keys, or as requests get under way", () => {
    for (const weights of [
      [1, 1, 1, 1, 1],
      [1, 2, 3, 4, 5],
    ]) {
      const all = weights.map((weight, index) => new FakeCandidate(`t${index}`, { weight }));
      const picker = policyByName(name, seededRandom(1)).picker(all, all);
      const reached = new Set<Candidate | undefined>();
      for (let request = 0; request < 1000; request++) {
        const chosen = picker.pick({ nowMs: 0, key: `user:${request}` }) as FakeCandidate;
        chosen.inFlight += 1;
        reached.add(chosen);
      }
      expect(reached.size).toBe(5);
    }
  });

  test("takes the only target there is", () => {
    const all = [new FakeCandidate("only", { weight: 0.3, share: 0.2, inFlight: 7 })];
    const picker = policyByName(name, seededRandom(1)).picker(all, all);
    expect(picker.pick({ nowMs: 0 })).toBe(all[0]);
    expect(picker.pick({ nowMs: 0, key: "k" })).toBe(all[0]);
    expect(picker.pick({ nowMs: 0, exclude: new Set(all) })).toBeUndefined();
  });
});

test("a picker gives back the kind of candidate it was given", () => {
  expectTypeOf<ReturnType<Picker<FakeCandidate>["pick"]>>().toEqualTypeOf<
    FakeCandidate | undefined
  >();
  const policy: Policy = policyByName("p2c-ewma");
  expectTypeOf(policy.picker<FakeCandidate>).returns.toEqualTypeOf<Picker<FakeCandidate>>();
});
