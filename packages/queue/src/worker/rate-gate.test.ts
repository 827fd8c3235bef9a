import fc from "fast-check";
import { expect, test } from "vitest";
import { RateGate } from "./rate-gate.ts";

test("a burst may be as large as the rate, then they come evenly", () => {
  const gate = new RateGate({ jobs: 10, perMs: 1_000 });
  expect(gate.room(0)).toBe(10);
  gate.take(10, 0);
  expect([gate.room(0), gate.nextMs(0)]).toEqual([0, 100]);
  expect([gate.room(99), gate.room(100), gate.room(350)]).toEqual([0, 1, 3]);
  gate.take(1, 350);
  expect(gate.room(350)).toBe(2);
  expect(gate.room(100_000)).toBe(10);
  expect(gate.nextMs(100_000)).toBe(0);
});

test("no window of the rate's length, however placed, begins more than twice the rate", () => {
  const wishes = fc.array(fc.record({ afterMs: fc.nat(400), jobs: fc.nat(20) }), { maxLength: 40 });
  fc.assert(
    fc.property(wishes, (steps) => {
      const gate = new RateGate({ jobs: 7, perMs: 1_000 });
      const begun: number[] = [];
      let nowMs = 0;
      for (const { afterMs, jobs } of steps) {
        nowMs += afterMs;
        const some = Math.min(jobs, gate.room(nowMs));
        gate.take(some, nowMs);
        for (let at = 0; at < some; at++) begun.push(nowMs);
      }
      for (const from of begun) {
        const within = begun.filter((ms) => ms >= from && ms < from + 1_000).length;
        expect(within).toBeLessThanOrEqual(14);
      }
      // Over all its time, the even rate and one burst.
      expect(begun.length).toBeLessThanOrEqual(7 + (nowMs / 1_000) * 7 + 1e-6);
    }),
  );
});
