import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, countPicks, FakeCandidate } from "../../test/candidates.ts";
import type { Policy } from "../policy.ts";
import { boundedRing } from "./bounded-ring.ts";
import { keyedPolicy } from "./keyed-policy.ts";
import { maglev } from "./maglev.ts";
import { rendezvous } from "./rendezvous.ts";
import { ring } from "./ring.ts";

const KEYS = randomKeys(300, 1);
const random = seededRandom(1);
const policies: readonly (readonly [string, () => Policy])[] = [
  ["ring", () => ring({ random })],
  ["boundedRing, while nobody is busy", () => boundedRing({ random })],
  ["maglev", () => maglev({ random })],
  ["rendezvous", () => rendezvous({ random })],
];

/** Where each key goes. */
function placesOf<C extends FakeCandidate>(
  policy: Policy,
  available: readonly C[],
  all: readonly C[],
  exclude?: ReadonlySet<C>,
): (C | undefined)[] {
  const picker = policy.picker(available, all);
  return KEYS.map((key) => picker.pick({ nowMs: 0, key, exclude }));
}

describe.each(policies)("%s", (_, create) => {
  const cluster = fc
    .uniqueArray(
      fc.record({
        id: fc.stringMatching(/^[a-z0-9.:]{1,12}$/),
        weight: fc.constantFrom(0.5, 1, 1, 1, 2, 7),
        isOut: fc.boolean(),
      }),
      { selector: ({ id }) => id, minLength: 2, maxLength: 8 },
    )
    .map((known) => ({
      all: known.map(({ id, weight }) => new FakeCandidate(id, { weight })),
      isOut: known.map(({ isOut }) => isOut),
    }));

  test("keeps a key at its target, in every process", () => {
    fc.assert(
      fc.property(cluster, ({ all }) => {
        const idsOf = (list: readonly FakeCandidate[]): (string | undefined)[] =>
          placesOf(create(), list, list).map((candidate) => candidate?.id);
        expect(idsOf(all)).toEqual(idsOf(all.toReversed()));
      }),
      { numRuns: 20 },
    );
  });

  test("moves only the keys of a target that is ejected, and gives it back the same", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), ({ all, isOut }, at) => {
        const policy = create();
        const ejected = all[at % all.length] as FakeCandidate;
        const before = all.filter((each, index) => each === ejected || !isOut[index]);
        const after = before.filter((each) => each !== ejected);
        fc.pre(after.length > 0);
        const places = placesOf(policy, before, all);
        placesOf(policy, after, all).forEach((candidate, index) => {
          if (places[index] === ejected) expect(after).toContain(candidate);
          else expect(candidate).toBe(places[index]);
        });
        expect(placesOf(policy, before, all)).toEqual(places);
      }),
      { numRuns: 50 },
    );
  });

  test("sends a retry where the key would go if the target were out", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), ({ all }, at) => {
        const policy = create();
        const tried = all[at % all.length] as FakeCandidate;
        const rest = all.filter((each) => each !== tried);
        expect(placesOf(policy, all, all, new Set([tried]))).toEqual(placesOf(policy, rest, all));
      }),
      { numRuns: 20 },
    );
  });

  test("moves no key during a slow start, nor for load below the bound", () => {
    const all = candidatesOf({}, {}, { weight: 2 });
    const policy = create();
    const places = placesOf(policy, all, all);
    for (const candidate of all) candidate.share = 0.1;
    expect(placesOf(policy, [...all], all)).toEqual(places);
  });

  test("without a key it takes the less loaded of two (99.99 %)", () => {
    const all = candidatesOf({ inFlight: 9 }, {}, {});
    const picker = create().picker(all, all);
    const [busy, ...idle] = countPicks(picker, all, 20_000);
    expect(busy).toBe(0);
    expect(chiSquare(idle, [10_000, 10_000])).toBeLessThan(chiSquareBound(1));
  });

  test("an empty key is a key; one that is no text and no bytes is refused", () => {
    const all = candidatesOf({}, {}, {});
    const picker = create().picker(all, all);
    expect(new Set(Array.from({ length: 50 }, () => picker.pick({ nowMs: 0, key: "" }))).size).toBe(
      1,
    );
    expect(picker.pick({ nowMs: 0, key: new TextEncoder().encode("user:1") })).toBe(
      picker.pick({ nowMs: 0, key: "user:1" }),
    );
    expect(() => picker.pick({ nowMs: 0, key: 7 as unknown as string })).toThrow(TypeError);
  });

  test("an excluded set of one pick says nothing about the next", () => {
    const all = candidatesOf({}, {}, {});
    const picker = create().picker(all, all);
    const own = picker.pick({ nowMs: 0, key: "k" }) as FakeCandidate;
    expect(picker.pick({ nowMs: 0, key: "k", exclude: new Set([own]) })).not.toBe(own);
    expect(picker.pick({ nowMs: 0, key: "k" })).toBe(own);
  });
});

test("a placement is built once for each list, and with what it was then", () => {
  const built: string[][] = [];
  const policy = keyedPolicy("test", random, (targets) => {
    built.push(targets.map(({ id, weight }) => `${id} ${weight}`));
    return (_, usable) => targets.find(({ candidate }) => usable.has(candidate))?.candidate;
  });
  const [one, two] = [candidatesOf({}, { weight: 2 }), candidatesOf({})];
  policy.picker(one, one);
  policy.picker(two, two);
  const second = one.slice(1);
  expect(policy.picker(second, one).pick({ nowMs: 0, key: "k" })).toBe(second[0]);
  expect(built).toEqual([["a 1", "b 2"], ["a 1"]]);
  policy.picker(one, [...one]);
  expect(built).toHaveLength(3);
});
