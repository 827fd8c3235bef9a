import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { desiredWorkers, type ScaleLimits, workersNeeded } from "./desired-workers.ts";

const limits: ScaleLimits = {
  targetClearMs: 10_000,
  concurrency: 10,
  minWorkers: 0,
  maxWorkers: 100,
  maxStep: 100,
  hysteresis: 0.2,
};

const load = (backlog: number, arrivalPerSecond = 0, runtimeMs: number | undefined = 1_000) => [
  { backlog, arrivalPerSecond, runtimeMs },
];

describe("what is needed", () => {
  test("a backlog of 1,000 s of work in 10 s by 10 at a time: 10 workers", () => {
    expect(workersNeeded(load(1_000), limits)).toBe(10);
  });

  test("to keep up with 50 jobs of a second each second: 5 workers, with an empty queue", () => {
    expect(workersNeeded(load(0, 50), limits)).toBe(5);
  });

  test("both, when jobs arrive while a backlog is cleared; and of all queues", () => {
    expect(workersNeeded(load(1_000, 50), limits)).toBe(15);
    expect(workersNeeded([...load(1_000), ...load(0, 50)], limits)).toBe(15);
  });

  test("one to find out how long jobs take, none when none wait", () => {
    const unknown = (backlog: number) => [{ backlog, arrivalPerSecond: 5, runtimeMs: undefined }];
    expect(workersNeeded(unknown(7), limits)).toBe(1);
    expect(workersNeeded(unknown(0), limits)).toBe(0);
  });

  test("what is hardly there any more needs nobody", () => {
    expect(workersNeeded(load(0, 0.001), limits)).toBe(0);
  });
});

describe("how many next", () => {
  test("up at once, down only with a fifth to spare", () => {
    expect(desiredWorkers({ workers: 4, demands: load(410) }, limits)).toBe(5);
    expect(desiredWorkers({ workers: 5, demands: load(399) }, limits)).toBe(5);
    expect(desiredWorkers({ workers: 5, demands: load(333) }, limits)).toBe(4);
  });

  test("no more than a step at a time", () => {
    const slow = { ...limits, maxStep: 2 };
    expect(desiredWorkers({ workers: 4, demands: load(10_000) }, slow)).toBe(6);
    expect(desiredWorkers({ workers: 40, demands: load(0) }, slow)).toBe(38);
  });

  test("all gone when nothing is to be done and none is kept", () => {
    expect(desiredWorkers({ workers: 1, demands: load(0) }, limits)).toBe(0);
    expect(desiredWorkers({ workers: 0, demands: load(1) }, limits)).toBe(1);
  });
});

const count = fc.integer({ min: 0, max: 1_000 });
const anyLimits = fc
  .record({
    targetClearMs: fc.integer({ min: 1, max: 100_000 }),
    concurrency: fc.integer({ min: 1, max: 100 }),
    minWorkers: count,
    more: count,
    maxStep: fc.integer({ min: 1, max: 100 }),
    hysteresis: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ more, ...rest }): ScaleLimits => ({ ...rest, maxWorkers: rest.minWorkers + more }));
const demand = fc.record({
  backlog: fc.integer({ min: 0, max: 1e7 }),
  arrivalPerSecond: fc.double({ min: 0, max: 1e5, noNaN: true }),
  runtimeMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
});

describe("for all loads", () => {
  test("within its bounds, a whole number, and no further than a step", () => {
    fc.assert(
      fc.property(count, fc.array(demand), anyLimits, (workers, demands, some) => {
        const desired = desiredWorkers({ workers, demands }, some);
        expect(Number.isSafeInteger(desired)).toBe(true);
        expect(desired).toBeGreaterThanOrEqual(some.minWorkers);
        expect(desired).toBeLessThanOrEqual(some.maxWorkers);
        if (workers >= some.minWorkers && workers <= some.maxWorkers) {
          expect(Math.abs(desired - workers)).toBeLessThanOrEqual(some.maxStep);
        }
      }),
    );
  });

  test("more of anything never wants fewer", () => {
    const more = fc.record({ backlog: count, arrivalPerSecond: count, runtimeMs: count });
    fc.assert(
      fc.property(count, demand, more, anyLimits, (workers, less, extra, some) => {
        const greater = {
          backlog: less.backlog + extra.backlog,
          arrivalPerSecond: less.arrivalPerSecond + extra.arrivalPerSecond,
          runtimeMs: less.runtimeMs && less.runtimeMs + extra.runtimeMs,
        };
        const [a, b] = [less, greater].map((one) =>
          desiredWorkers({ workers, demands: [one] }, some),
        );
        expect(b).toBeGreaterThanOrEqual(a ?? Number.NaN);
      }),
    );
  });

  test("asked again with its own answer, it stays with it, when a step takes it there", () => {
    fc.assert(
      fc.property(count, fc.array(demand), anyLimits, (workers, demands, some) => {
        const free = { ...some, maxStep: Number.MAX_SAFE_INTEGER };
        const once = desiredWorkers({ workers, demands }, free);
        expect(desiredWorkers({ workers: once, demands }, free)).toBe(once);
      }),
    );
  });
});

test("a load that trembles by a tenth around a constant changes nothing after the beginning", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 500 }),
      (seed, mean) => {
        const random = seededRandom(seed);
        let workers = 0;
        let changes = 0;
        for (let tick = 0; tick < 200; tick++) {
          const arrivalPerSecond = mean * (0.95 + random() / 10);
          const next = desiredWorkers({ workers, demands: load(0, arrivalPerSecond) }, limits);
          if (tick >= 100 && next !== workers) changes++;
          workers = next;
        }
        expect(changes).toBeLessThanOrEqual(1);
      },
    ),
  );
});
