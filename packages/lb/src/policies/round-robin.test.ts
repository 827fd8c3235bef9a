import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import {
  candidatesOf,
  countPicks,
  equalCandidates,
  type FakeCandidate,
  turnsOf,
} from "../../test/candidates.ts";
import { roundRobin } from "./round-robin.ts";

const zero = (): number => 0;
const nth = (all: readonly FakeCandidate[], index: number): FakeCandidate =>
  all[index] as FakeCandidate;

test("everyone in turn", () => {
  const all = candidatesOf({}, {}, {});
  expect(turnsOf(roundRobin({ random: zero }).picker(all, all), 7)).toBe("a b c a b c a");
});

test("equal weights other than 1 are turns too", () => {
  const all = candidatesOf({ weight: 3 }, { weight: 3 });
  expect(turnsOf(roundRobin({ random: zero }).picker(all, all), 4)).toBe("a b a b");
});

test("different weights are smooth turns", () => {
  const all = candidatesOf({ weight: 5 }, {}, {});
  expect(turnsOf(roundRobin({ random: zero }).picker(all, all), 7)).toBe("a a b a c a a");
});

test("a slow start is a weight", () => {
  const all = candidatesOf({}, { share: 0.5 });
  expect(countPicks(roundRobin({ random: zero }).picker(all, all), all, 300)).toEqual([200, 100]);
});

test("processes begin at different places (99.99 %)", () => {
  const firsts = [0, 0, 0, 0];
  for (let seed = 0; seed < 4000; seed++) {
    const all = equalCandidates(4);
    const first = roundRobin({ random: seededRandom(seed) })
      .picker(all, all)
      .pick({ nowMs: 0 });
    const index = all.indexOf(first as FakeCandidate);
    firsts[index] = (firsts[index] as number) + 1;
  }
  expect(chiSquare(firsts, [1000, 1000, 1000, 1000])).toBeLessThan(chiSquareBound(3));
});

test("a change does not begin again: next is who follows the last", () => {
  const all = candidatesOf({}, {}, {}, {});
  const policy = roundRobin({ random: zero });
  expect(turnsOf(policy.picker(all, all), 2)).toBe("a b");
  const withoutC = all.filter(({ id }) => id !== "c");
  expect(turnsOf(policy.picker(withoutC, all), 2)).toBe("d a");
  expect(turnsOf(policy.picker(all, all), 3)).toBe("b c d");
});

test("the last one itself may be out: then who follows it among all", () => {
  const all = candidatesOf({}, {}, {}, {});
  const policy = roundRobin({ random: zero });
  expect(turnsOf(policy.picker(all, all), 2)).toBe("a b");
  expect(turnsOf(policy.picker([nth(all, 0), nth(all, 3)], all), 3)).toBe("d a d");
});

test("a target that comes and goes every two picks keeps nobody idle", () => {
  const all = candidatesOf({}, {}, {}, {});
  const policy = roundRobin({ random: zero });
  const counts = new Map<string, number>();
  for (let change = 0; change < 200; change++) {
    const available = change % 2 === 0 ? all : all.slice(0, 3);
    for (const id of turnsOf(policy.picker(available, all), 2).split(" ")) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  expect([...counts.keys()].sort()).toEqual(["a", "b", "c", "d"]);
  expect(Math.min(...counts.values())).toBeGreaterThan(90);
});

test("when the last one has gone for good, it begins anywhere", () => {
  const policy = roundRobin({ random: () => 0.5 });
  const before = candidatesOf({}, {});
  turnsOf(policy.picker(before, before), 1);
  const after = candidatesOf({}, {}, {});
  expect(turnsOf(policy.picker(after, after), 3)).toBe("b c a");
});

test("excluded targets are passed over and lose their turn", () => {
  const all = candidatesOf({}, {}, {});
  const picker = roundRobin({ random: zero }).picker(all, all);
  const exclude = new Set([nth(all, 0), nth(all, 1)]);
  expect(picker.pick({ nowMs: 0, exclude })?.id).toBe("c");
  expect(picker.pick({ nowMs: 0, exclude: new Set(all) })).toBeUndefined();
  expect(turnsOf(picker, 3)).toBe("a b c");
});
