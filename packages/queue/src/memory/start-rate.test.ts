import fc from "fast-check";
import { expect, test } from "vitest";
import { StartRate } from "./start-rate.ts";

test("a burst starts at once, and then one by one", () => {
  const rate = new StartRate();
  const limit = { jobs: 3, perMs: 300 };
  for (let start = 0; start < 3; start++) {
    expect(rate.waitMs(limit, 1_000)).toBe(0);
    rate.start(limit, 1_000);
  }
  expect(rate.waitMs(limit, 1_000)).toBeCloseTo(100);
  expect(rate.waitMs(limit, 1_060)).toBeCloseTo(40);
  expect(rate.waitMs(limit, 1_100)).toBe(0);
});

test("whoever waits as long as he is told may start, and no time has more starts than it may", () => {
  const limits = fc.record({
    jobs: fc.integer({ min: 1, max: 20 }),
    perMs: fc.integer({ min: 1, max: 5_000 }),
  });
  const pauses = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(limits, pauses, (limit, pausesMs) => {
      const rate = new StartRate();
      const starts: number[] = [];
      let nowMs = 0;
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        nowMs += rate.waitMs(limit, nowMs);
        expect(rate.waitMs(limit, nowMs)).toBe(0);
        rate.start(limit, nowMs);
        starts.push(nowMs);
      }
      for (const [at, start] of starts.entries()) {
        const within = starts.slice(at).filter((each) => each <= start + limit.perMs - 0.001);
        expect(within.length).toBeLessThanOrEqual(2 * limit.jobs - 1 || 1);
      }
    }),
  );
});
