import { seededRandom } from "@headroom/core/random";
import { createRendezvous } from "@headroom/hashing";
import { expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, type FakeCandidate } from "../../test/candidates.ts";
import { rendezvous } from "./rendezvous.ts";

const KEYS = randomKeys(40_000, 4);
const policy = rendezvous({ random: seededRandom(1) });

test("keys go by weight (99.99 %)", () => {
  const all = candidatesOf({}, { weight: 2 }, { weight: 5 });
  const picker = policy.picker(all, all);
  const counts = all.map(
    (each) => KEYS.filter((key) => picker.pick({ nowMs: 0, key }) === each).length,
  );
  expect(chiSquare(counts, [5000, 10_000, 25_000])).toBeLessThan(chiSquareBound(2));
});

test("a key goes down its ranks as targets are excluded or out", () => {
  const all = candidatesOf({}, { weight: 2 }, {}, { weight: 5 }) as FakeCandidate[];
  const placement = createRendezvous(all);
  for (const key of KEYS.slice(0, 500)) {
    const ranked = placement.locateN(key, all.length);
    const picker = policy.picker(all, all);
    for (let rank = 0; rank < ranked.length; rank++) {
      const exclude = new Set(ranked.slice(0, rank));
      expect(picker.pick({ nowMs: 0, key, exclude })).toBe(ranked[rank]);
      // Those left may have equal weights, for which ranks are found in another way.
      const left = all.filter((each) => !exclude.has(each));
      expect(policy.picker(left, all).pick({ nowMs: 0, key })).toBe(ranked[rank]);
    }
    expect(picker.pick({ nowMs: 0, key, exclude: new Set(all) })).toBeUndefined();
  }
});
