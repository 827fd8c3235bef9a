import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LatencyPercentile, RELATIVE_ERROR } from "./latency-percentile.ts";

const WINDOW_MS = 30_000;

/** The nearest-rank percentile, by sorting. */
function exactPercentile(latencies: readonly number[], percentile: number): number | undefined {
  const sorted = [...latencies].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(percentile * sorted.length - 1e-9) - 1)];
}

/** The same number to 2 %, within what can be told apart at all. */
function expectNear(estimateMs: number | undefined, exactMs: number | undefined): void {
  if (exactMs === undefined) {
    expect(estimateMs).toBeUndefined();
    return;
  }
  const seenMs = Math.min(600_000, Math.max(0.1, exactMs));
  const error = Math.abs((estimateMs ?? Number.NaN) - seenMs) / seenMs;
  expect(error, `${estimateMs} for ${exactMs}`).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9);
}

function recorded(latencies: readonly number[], percentile = 0.95): LatencyPercentile {
  const latency = new LatencyPercentile(percentile, WINDOW_MS);
  for (const each of latencies) latency.record(each, 0);
  return latency;
}

describe("the value", () => {
  test("is unknown without latencies", () => {
    const latency = recorded([]);
    expect([latency.valueAt(0), latency.countAt(0)]).toEqual([undefined, 0]);
  });

  test.each([
    [[10], 0.95, 10],
    [[10, 20], 0.5, 10],
    [[10, 20], 0.51, 20],
    [Array.from({ length: 20 }, (_, i) => i + 1), 0.95, 19],
    [Array.from({ length: 100 }, (_, i) => i + 1), 0.07, 7],
    [Array.from({ length: 100 }, (_, i) => i + 1), 0.99, 99],
    [[...Array(95).fill(5), ...Array(5).fill(2_000)], 0.95, 5],
    [[...Array(94).fill(5), ...Array(6).fill(2_000)], 0.95, 2_000],
  ])("of %j at %f is %d, to 2 %%", (latencies, percentile, exactMs) => {
    expectNear(recorded(latencies, percentile).valueAt(0), exactMs);
  });

  test("is the least of all when next to nothing is to be below it", () => {
    expectNear(recorded([30, 20, 10], 1e-12).valueAt(0), 10);
  });

  test("does not depend on the order of the latencies", () => {
    const up = Array.from({ length: 1_000 }, (_, i) => 1.01 ** i);
    expect(recorded(up).valueAt(0)).toBe(recorded([...up].reverse()).valueAt(0));
  });

  test("ends at a tenth of a millisecond and at ten minutes", () => {
    expect(recorded([0]).valueAt(0)).toBe(0.1);
    expect(recorded([1e-9]).valueAt(0)).toBe(0.1);
    expectNear(recorded([1e9]).valueAt(0), 600_000);
    expect(recorded([1e9]).valueAt(0)).toBeLessThanOrEqual(600_000);
  });

  test("is of measurements alone", () => {
    const latency = recorded([-1, Number.NaN, Number.POSITIVE_INFINITY, -0]);
    expect(latency.countAt(0)).toBe(1);
    expect(latency.valueAt(0)).toBe(0.1);
  });
});

describe("the window", () => {
  test("forgets a third at a time", () => {
    const latency = new LatencyPercentile(0.5, WINDOW_MS);
    latency.record(1, 0);
    latency.record(1, 9_999);
    latency.record(50, 10_000);
    expect(latency.countAt(29_999)).toBe(3);
    expect(latency.countAt(30_000)).toBe(1);
    expectNear(latency.valueAt(30_000), 50);
    expect(latency.valueAt(40_000)).toBeUndefined();
  });

  test("is empty after a long silence, and then starts anew", () => {
    const latency = recorded([5_000, 5_000, 5_000]);
    expect(latency.valueAt(1e12)).toBeUndefined();
    latency.record(3, 1e12);
    expectNear(latency.valueAt(1e12), 3);
  });

  test("takes a clock that goes back for one that stands still", () => {
    const latency = new LatencyPercentile(0.5, WINDOW_MS);
    latency.record(7, 100_000);
    latency.record(7, 5);
    expect(latency.countAt(0)).toBe(2);
    expect(latency.countAt(129_999)).toBe(2);
    expect(latency.countAt(130_000)).toBe(0);
  });

  test("may begin before 0", () => {
    const latency = new LatencyPercentile(0.5, WINDOW_MS);
    latency.record(7, -25_000);
    latency.record(9, -5_000);
    expect(latency.countAt(-1)).toBe(2);
    expect(latency.countAt(0)).toBe(1);
    expect(latency.countAt(20_000)).toBe(0);
  });
});

const latencyMs = fc.oneof(
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.double({ min: -3, max: 6, noNaN: true }).map((exponent) => 10 ** exponent),
  fc.constantFrom(0, 0.1, 1, 10, 600_000, 1e9),
);
const percentiles = fc.double({ min: 0.001, max: 0.999, noNaN: true });

describe("for any latencies", () => {
  test("it is the exact percentile to 2 %, after each of them", () => {
    fc.assert(
      fc.property(
        fc.array(latencyMs, { maxLength: 80, size: "max" }),
        percentiles,
        (latencies, percentile) => {
          const latency = new LatencyPercentile(percentile, WINDOW_MS);
          latencies.forEach((each, at) => {
            latency.record(each, 0);
            expectNear(latency.valueAt(0), exactPercentile(latencies.slice(0, at + 1), percentile));
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test("it counts just those of the last slices, as time goes by", () => {
    const steps = fc.array(fc.tuple(fc.nat(25_000), latencyMs), {
      minLength: 1,
      maxLength: 40,
      size: "max",
    });
    const start = fc.integer({ min: -100_000, max: 100_000 });
    fc.assert(
      fc.property(start, steps, percentiles, (startMs, plan, percentile) => {
        const latency = new LatencyPercentile(percentile, WINDOW_MS);
        const log: { readonly atMs: number; readonly ms: number }[] = [];
        let nowMs = startMs;
        for (const [gapMs, ms] of plan) {
          nowMs += gapMs;
          latency.record(ms, nowMs);
          log.push({ atMs: nowMs, ms });
          const askedMs = nowMs + gapMs / 2;
          // The slice that is now is the last of three, so the window began at a multiple of 10 s.
          const fromMs = (Math.floor(askedMs / 10_000) - 2) * 10_000;
          expect(askedMs - fromMs).toBeGreaterThanOrEqual((2 / 3) * WINDOW_MS);
          expect(askedMs - fromMs).toBeLessThan(WINDOW_MS);
          const counted = log.filter(({ atMs }) => atMs >= fromMs).map((each) => each.ms);
          expect(latency.countAt(askedMs)).toBe(counted.length);
          expectNear(latency.valueAt(askedMs), exactPercentile(counted, percentile));
          nowMs = askedMs;
        }
      }),
      { numRuns: 300 },
    );
  });
});

test("a hundred thousand latencies of a real shape: every percentile to 2 %", () => {
  const seed = 7;
  const random = seededRandom(seed);
  // Log-normal around 20 ms, one in fifty around 2 s.
  const latencies = Array.from({ length: 100_000 }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return (random() < 0.02 ? 2_000 : 20) * Math.exp(0.4 * normal);
  });
  for (const percentile of [0.5, 0.9, 0.95, 0.99, 0.999]) {
    expectNear(recorded(latencies, percentile).valueAt(0), exactPercentile(latencies, percentile));
  }
});

test("wrong arguments are refused by name", () => {
  expect(() => new LatencyPercentile(0, 1)).toThrow(
    /percentile must be a number above 0 and below 1, got 0/,
  );
  expect(() => new LatencyPercentile(95, 1)).toThrow(RangeError);
  expect(() => new LatencyPercentile(Number.NaN, 1)).toThrow(/percentile must be a number/);
  expect(() => new LatencyPercentile("p95" as never, 1)).toThrow(TypeError);
  expect(() => new LatencyPercentile(0.5, 0)).toThrow(/windowMs must be a positive number/);
});
