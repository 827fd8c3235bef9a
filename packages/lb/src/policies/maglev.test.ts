import { seededRandom } from "@headroom/core/random";
import { createMaglev } from "@headroom/hashing";
import { expect, test } from "vitest";
import { randomKeys } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, equalCandidates, type FakeCandidate } from "../../test/candidates.ts";
import { maglev } from "./maglev.ts";

const KEYS = randomKeys(40_000, 3);
const policy = maglev({ random: seededRandom(1) });

function countKeys(
  available: readonly FakeCandidate[],
  all: readonly FakeCandidate[],
  keys = KEYS,
): number[] {
  const picker = policy.picker(available, all);
  const counts = all.map(() => 0);
  for (const key of keys) {
    const index = all.indexOf(picker.pick({ nowMs: 0, key }) as FakeCandidate);
    counts[index] = (counts[index] as number) + 1;
  }
  return counts;
}

test("a key's target is that of the table", () => {
  const all = candidatesOf({}, { weight: 2 }, { weight: 3 });
  const table = createMaglev(all);
  const picker = policy.picker(all, all);
  for (const key of KEYS.slice(0, 1000)) {
    expect(picker.pick({ nowMs: 0, key })).toBe(table.locate(key));
  }
});

test("the keys of a target that is out spread over all others by weight", () => {
  const all = candidatesOf({ weight: 4 }, { weight: 1 }, { weight: 2 }, { weight: 3 });
  const picker = policy.picker(all, all);
  const [out, ...available] = all as [FakeCandidate, ...FakeCandidate[]];
  const keys = KEYS.filter((key) => picker.pick({ nowMs: 0, key }) === out);
  expect(keys.length / KEYS.length).toBeCloseTo(0.4, 1);
  countKeys(available, all, keys).forEach((count, index) => {
    const due = (keys.length * index) / 6;
    expect(Math.abs(count - due)).toBeLessThanOrEqual(0.2 * due);
  });
});

test("also when two thirds are out", () => {
  const all = equalCandidates(30);
  const counts = countKeys(all.slice(20), all);
  expect(counts.slice(0, 20).every((count) => count === 0)).toBe(true);
  for (const count of counts.slice(20)) {
    expect(Math.abs(count - KEYS.length / 10)).toBeLessThan(0.1 * (KEYS.length / 10));
  }
});

test("the only one of many that is left gets everything", () => {
  const all = equalCandidates(500);
  expect(countKeys(all.slice(7, 8), all)[7]).toBe(KEYS.length);
});
