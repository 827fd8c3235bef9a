import fc from "fast-check";
import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueLimits } from "../driver.ts";
import type { MemoryJob } from "./memory-job.ts";
import { Turns } from "./turns.ts";

const LIMITS: QueueLimits = {
  concurrency: undefined,
  rate: undefined,
  perKeyConcurrency: 1,
  perKeyRate: undefined,
};

let order = 0;
function job(id: string, key?: string, priority = 0): MemoryJob {
  return { added: newJob({ id, key, priority }), order: order++, dueMs: 0 } as MemoryJob;
}

function turnsOf(jobs: readonly MemoryJob[], limits: QueueLimits = LIMITS): Turns {
  const turns = new Turns(() => {});
  for (const each of jobs) turns.add(each, limits, 0);
  return turns;
}

/** Takes all, each landing before the next is taken. */
function drain(turns: Turns): string[] {
  const taken: string[] = [];
  for (;;) {
    const next = turns.take(LIMITS, 0);
    if (next === undefined) return taken;
    taken.push(next.added.id);
    turns.landed(next, LIMITS, 0);
  }
}

test("jobs without a key come as they were added, the highest priority first", () => {
  const turns = turnsOf([job("a"), job("b", undefined, 1), job("c"), job("d", undefined, 1)]);
  expect(drain(turns)).toEqual(["b", "d", "a", "c"]);
});

test("keys take turns, among each other and with jobs that have none", () => {
  const turns = turnsOf([
    ...[job("a1", "a"), job("a2", "a"), job("a3", "a")],
    ...[job("x"), job("b1", "b"), job("b2", "b"), job("y")],
  ]);
  expect(drain(turns)).toEqual(["a1", "x", "b1", "y", "a2", "b2", "a3"]);
});

test("a key has no turn while its job is in flight", () => {
  const turns = turnsOf([job("a1", "a"), job("a2", "a")]);
  const first = turns.take(LIMITS, 0);
  expect(turns.take(LIMITS, 0)).toBeUndefined();
  expect(turns.some(LIMITS, 0)).toBe(false);
  if (first !== undefined) turns.landed(first, LIMITS, 0);
  expect(turns.some(LIMITS, 0)).toBe(true);
  expect(turns.take(LIMITS, 0)?.added.id).toBe("a2");
});

test("one that comes back is the first of its line, and its delay the line's", () => {
  const ready: string[] = [];
  const turns = new Turns(({ added }) => ready.push(added.id));
  const [one, two] = [job("a1", "a"), job("a2", "a")];
  for (const each of [one, two]) turns.add(each, LIMITS, 0);
  turns.take(LIMITS, 0);
  turns.landed(one, LIMITS, 0);
  turns.add(Object.assign(one, { dueMs: 100 }), LIMITS, 0);
  ready.length = 0;
  expect(turns.take(LIMITS, 99)).toBeUndefined();
  expect(turns.nextDueMs()).toBe(100);
  expect(ready).toEqual([]);
  turns.wake(LIMITS, 100);
  expect(ready).toEqual(["a1"]);
  expect(turns.take(LIMITS, 100)).toBe(one);
});

test("starts of one key keep their distance, and a line without jobs is forgotten after it", () => {
  const limits = { ...LIMITS, perKeyRate: { jobs: 2, perMs: 100 } };
  const turns = turnsOf([job("a1", "a")], limits);
  const first = turns.take(limits, 0);
  if (first !== undefined) turns.landed(first, limits, 10);
  turns.add(job("a2", "a"), limits, 20);
  expect(turns.take(limits, 49)).toBeUndefined();
  expect(turns.take(limits, 50)?.added.id).toBe("a2");
});

test("a job that is taken out holds nobody up", () => {
  const [one, two, free] = [job("a1", "a"), job("a2", "a"), job("x")];
  const turns = turnsOf([one, two, free]);
  turns.remove(one, LIMITS, 0);
  turns.remove(free, LIMITS, 0);
  turns.remove(free, LIMITS, 0);
  expect(drain(turns)).toEqual(["a2"]);
});

test("whatever is added, taken, put back and taken out: keys keep order, and one is in flight", () => {
  const step = fc.record({
    what: fc.constantFrom("add", "add", "take", "take", "land", "return", "remove"),
    key: fc.constantFrom("a", "b", undefined),
    pick: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const turns = turnsOf([]);
      const waiting: MemoryJob[] = [];
      const flying: MemoryJob[] = [];
      const pickOf = (from: MemoryJob[], pick: number): MemoryJob | undefined =>
        from.splice(pick % Math.max(1, from.length), 1)[0];
      for (const { what, key, pick } of steps) {
        if (what === "add") {
          const added = job("", key);
          waiting.push(added);
          turns.add(added, LIMITS, 0);
        } else if (what === "take") {
          const taken = turns.take(LIMITS, 0);
          const free = waiting.filter(
            ({ added }) =>
              added.key === undefined || flying.every((each) => each.added.key !== added.key),
          );
          if (taken === undefined) {
            expect(free).toEqual([]);
            continue;
          }
          expect(free).toContain(taken);
          const ofKey = waiting.filter(({ added }) => added.key === taken.added.key);
          const lowest = Math.min(...ofKey.map((each) => each.order));
          if (taken.added.key !== undefined) expect(taken.order).toBe(lowest);
          waiting.splice(waiting.indexOf(taken), 1);
          flying.push(taken);
        } else if (what === "remove") {
          const removed = pickOf(waiting, pick);
          if (removed !== undefined) turns.remove(removed, LIMITS, 0);
        } else {
          const landed = pickOf(flying, pick);
          if (landed === undefined) continue;
          turns.landed(landed, LIMITS, 0);
          if (what === "land") continue;
          turns.add(landed, LIMITS, 0);
          waiting.push(landed);
        }
      }
    }),
  );
});
