import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Deadlines, type Timed } from "./deadlines.ts";

interface Item extends Timed {
  readonly name: string;
}

const item = (name: string): Item => ({
  name,
  dueMs: 0,
  previous: undefined,
  following: undefined,
  list: undefined,
});

test("each runs out at its own time, whatever the order of adding, with one timer", async () => {
  const clock = createManualClock();
  const out: string[] = [];
  const deadlines = new Deadlines<Item>(clock, ({ name }) =>
    out.push(`${name}@${clock.monotonicNow()}`),
  );
  deadlines.add(item("slow"), 100, 0);
  deadlines.add(item("quick"), 10, 0);
  deadlines.add(item("never"), Number.POSITIVE_INFINITY, 0);
  await clock.advance(5);
  deadlines.add(item("quick too"), 10, clock.monotonicNow());
  expect(clock.pending).toBe(1);
  await clock.advance(200);
  expect(out).toEqual(["quick@10", "quick too@15", "slow@100"]);
  expect([...deadlines].map(({ name }) => name)).toEqual(["never"]);
  expect(clock.pending).toBe(0);
});

test("who left does not run out; leaving twice, or without being in, does nothing", async () => {
  const clock = createManualClock();
  const out: string[] = [];
  const deadlines = new Deadlines<Item>(clock, ({ name }) => out.push(name));
  const [a, b, c] = [item("a"), item("b"), item("c")];
  for (const each of [a, b, c]) deadlines.add(each, 10, 0);
  deadlines.remove(b);
  deadlines.remove(b);
  deadlines.remove(item("stranger"));
  await clock.advance(20);
  expect(out).toEqual(["a", "c"]);
});

test("whoever runs out may add others", async () => {
  const clock = createManualClock();
  const out: number[] = [];
  const deadlines = new Deadlines<Item>(clock, (each) => {
    out.push(clock.monotonicNow());
    if (out.length < 3) deadlines.add(each, 5, clock.monotonicNow());
  });
  deadlines.add(item("a"), 10, 0);
  await clock.advance(100);
  expect(out).toEqual([10, 15, 20]);
});

test("all that are in, and no other, run out in time", async () => {
  const step = fc.record({
    limitMs: fc.constantFrom(5, 10, 40),
    waitMs: fc.nat(12),
    remove: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const clock = createManualClock();
      const due = new Map<string, number>();
      const deadlines = new Deadlines<Item>(clock, ({ name, dueMs }) => {
        expect(due.get(name)).toBe(dueMs);
        expect(clock.monotonicNow()).toBe(dueMs);
        due.delete(name);
      });
      for (const [at, { limitMs, waitMs, remove }] of steps.entries()) {
        const each = item(String(at));
        deadlines.add(each, limitMs, clock.monotonicNow());
        if (remove) deadlines.remove(each);
        else due.set(each.name, clock.monotonicNow() + limitMs);
        await clock.advance(waitMs);
      }
      expect(new Set([...deadlines].map(({ name }) => name))).toEqual(new Set(due.keys()));
      await clock.advance(100);
      expect(due.size).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test("closed, it rings no more", async () => {
  const clock = createManualClock();
  const deadlines = new Deadlines<Item>(clock, () => expect.unreachable());
  deadlines.add(item("a"), 10, 0);
  deadlines.close();
  await clock.advance(20);
  expect(clock.pending).toBe(0);
});
