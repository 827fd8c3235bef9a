import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Backoff,
  constantBackoff,
  decorrelatedJitterBackoff,
  exponentialBackoff,
  fullJitterBackoff,
} from "./backoff.ts";
import { seededRandom } from "./random.ts";

const bounds = fc
  .tuple(
    fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    fc.double({ min: 1, max: 1e6, noNaN: true }),
  )
  .map(([baseMs, times]) => ({ baseMs, maxMs: baseMs * times }));
const attempts = fc.integer({ min: 1, max: 10_000 });
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** The delays of the first retries, each given the one before it. */
function delays(backoff: Backoff, count: number, random = seededRandom(1)): number[] {
  const result: number[] = [];
  for (let attempt = 1; attempt <= count; attempt++) {
    result.push(backoff(attempt, random, result.at(-1) ?? 0));
  }
  return result;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test("a constant backoff waits the same every time", () => {
  expect(delays(constantBackoff(50), 4)).toEqual([50, 50, 50, 50]);
});

describe("an exponential backoff", () => {
  test("doubles up to its cap", () => {
    const backoff = exponentialBackoff({ baseMs: 100, maxMs: 1000 });
    expect(delays(backoff, 6)).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test("never shrinks and never passes its cap", () => {
    fc.assert(
      fc.property(bounds, attempts, draws, (options, attempt, draw) => {
        const backoff = exponentialBackoff(options);
        const delayMs = backoff(attempt, () => draw, 0);
        expect(delayMs).toBeGreaterThanOrEqual(options.baseMs);
        expect(delayMs).toBeLessThanOrEqual(options.maxMs);
        expect(backoff(attempt + 1, () => draw, delayMs)).toBeGreaterThanOrEqual(delayMs);
      }),
    );
  });
});

test("every backoff answers its cap, or below, at attempt 10,000", () => {
  const options = { baseMs: 100, maxMs: 30_000 };
  const random = (): number => 1 - Number.EPSILON;
  expect(exponentialBackoff(options)(10_000, random, 30_000)).toBe(30_000);
  expect(fullJitterBackoff(options)(10_000, random, 30_000)).toBeCloseTo(30_000);
  expect(decorrelatedJitterBackoff(options)(10_000, random, 30_000)).toBe(30_000);
  expect(decorrelatedJitterBackoff(options)(10_000, random, Number.MAX_VALUE)).toBe(30_000);
});

describe("full jitter", () => {
  test("stays between 0 and the exponential delay", () => {
    fc.assert(
      fc.property(bounds, attempts, draws, (options, attempt, draw) => {
        const delayMs = fullJitterBackoff(options)(attempt, () => draw, 0);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(exponentialBackoff(options)(attempt, () => draw, 0));
      }),
    );
  });

  test("spreads evenly: each tenth of the range gets a tenth of the delays", () => {
    const backoff = fullJitterBackoff({ baseMs: 100, maxMs: 10_000 });
    const random = seededRandom(7);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const tenth = Math.floor(backoff(4, random, 0) / 80);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(900);
    for (const count of tenths) expect(count).toBeLessThan(1100);
  });
});

describe("decorrelated jitter", () => {
  test("stays between its base and three times the delay before", () => {
    const chains = fc.array(draws, { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(bounds, chains, (options, chain) => {
        const backoff = decorrelatedJitterBackoff(options);
        let previousMs = 0;
        for (const [index, draw] of chain.entries()) {
          const delayMs = backoff(index + 1, () => draw, previousMs);
          const highMs = 3 * Math.max(options.baseMs, previousMs) * (1 + 1e-12);
          expect(delayMs).toBeGreaterThanOrEqual(options.baseMs);
          expect(delayMs).toBeLessThanOrEqual(Math.min(options.maxMs, highMs));
          previousMs = delayMs;
        }
      }),
    );
  });

  test("grows: the mean of the fifth delays is several times that of the first", () => {
    const backoff = decorrelatedJitterBackoff({ baseMs: 100, maxMs: 100_000 });
    const random = seededRandom(3);
    const chains = Array.from({ length: 2000 }, () => delays(backoff, 5, random));
    const [first = [], fifth = []] = [0, 4].map((nth) => chains.map((chain) => chain[nth] ?? 0));
    // E[next] = (base + 3 · previous) / 2: 200 after the first draw, then 350, 575, 912, 1419.
    expect(mean(first)).toBeCloseTo(200, -1);
    expect(mean(fifth) / 1419).toBeGreaterThan(0.9);
    expect(mean(fifth) / 1419).toBeLessThan(1.1);
  });
});

test("the same random draws give the same delays", () => {
  const backoff = decorrelatedJitterBackoff({ baseMs: 10, maxMs: 1000 });
  expect(delays(backoff, 20, seededRandom(42))).toEqual(delays(backoff, 20, seededRandom(42)));
});

test("bounds that make no sense are refused by name", () => {
  expect(() => constantBackoff(0)).toThrow(/delayMs must be a positive number/);
  for (const make of [exponentialBackoff, fullJitterBackoff, decorrelatedJitterBackoff]) {
    expect(() => make({ baseMs: -1, maxMs: 10 })).toThrow(/baseMs must be a positive number/);
    expect(() => make({ baseMs: 10, maxMs: 5 })).toThrow(
      "maxMs must be at least baseMs (10), got 5",
    );
    expect(() => make({ baseMs: 10, maxMs: Number.POSITIVE_INFINITY })).toThrow(RangeError);
  }
});
