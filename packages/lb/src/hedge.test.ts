import { type Random, seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HedgeOptions, Hedging } from "./hedge.ts";

/** A hedging that has seen these latencies, all at 0 ms. */
function hedgingAfter(latencies: readonly number[], options: HedgeOptions = {}): Hedging {
  const hedging = new Hedging(options);
  for (const latency of latencies) hedging.record(latency, 0);
  return hedging;
}

function withdrawAll(hedging: Hedging): number {
  let hedges = 0;
  while (hedging.tryWithdraw()) hedges++;
  return hedges;
}

/** 1, 2, 3 … */
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe("the delay", () => {
  test("is the 95th percentile", () => {
    const delayMs = hedgingAfter(upTo(100)).delayMs(0) ?? 0;
    expect(Math.abs(delayMs - 95)).toBeLessThanOrEqual(0.02 * 95);
  });

  test("is another percentile on request", () => {
    const delayMs = hedgingAfter(upTo(100), { percentile: 0.5 }).delayMs(0) ?? 0;
    expect(Math.abs(delayMs - 50)).toBeLessThanOrEqual(0.02 * 50);
  });

  test("is unknown before twenty answers", () => {
    const hedging = hedgingAfter(Array(19).fill(10));
    expect(hedging.delayMs(0)).toBeUndefined();
    hedging.record(10, 0);
    expect(hedging.delayMs(0)).toBeGreaterThan(9);
    expect(new Hedging({ minSamples: 1 }).delayMs(0)).toBeUndefined();
    expect(hedgingAfter([10], { minSamples: 1 }).delayMs(0)).toBeGreaterThan(9);
  });

  test("is unknown again when the answers are too old", () => {
    const hedging = hedgingAfter(Array(20).fill(10));
    expect(hedging.delayMs(29_999)).toBeGreaterThan(9);
    expect(hedging.delayMs(30_000)).toBeUndefined();
    const brief = hedgingAfter(Array(20).fill(10), { windowMs: 3_000 });
    expect(brief.delayMs(3_000)).toBeUndefined();
  });

  test("is never below a millisecond, nor above what is configured", () => {
    const fast = Array(50).fill(0.2);
    expect(hedgingAfter(fast).delayMs(0)).toBe(1);
    expect(hedgingAfter(fast, { minDelayMs: 5 }).delayMs(0)).toBe(5);
    expect(hedgingAfter(fast, { minDelayMs: 0 }).delayMs(0)).toBeLessThan(0.21);
    expect(hedgingAfter(Array(50).fill(900), { maxDelayMs: 100 }).delayMs(0)).toBe(100);
    expect(hedgingAfter(Array(50).fill(20), { maxDelayMs: 100 }).delayMs(0)).toBeLessThan(21);
  });

  test("grows when everything becomes slow", () => {
    const hedging = hedgingAfter(Array(100).fill(10));
    for (let i = 0; i < 10; i++) hedging.record(1_000, 0);
    expect(hedging.delayMs(0)).toBeGreaterThan(900);
  });
});

describe("the budget", () => {
  test("is empty at the start, and one for twenty requests", () => {
    const hedging = new Hedging();
    expect(hedging.tryWithdraw()).toBe(false);
    for (let request = 0; request < 19; request++) hedging.deposit();
    expect(hedging.tryWithdraw()).toBe(false);
    hedging.deposit();
    expect([hedging.tryWithdraw(), hedging.tryWithdraw()]).toEqual([true, false]);
  });

  test("saves up ten at most", () => {
    const hedging = new Hedging();
    for (let request = 0; request < 10_000; request++) hedging.deposit();
    expect(withdrawAll(hedging)).toBe(10);
  });

  test.each([
    [0, 0],
    [0.001, 10],
    [0.05, 500],
    [0.1, 1_000],
    [1, 10_000],
  ])(
    "with a ratio of %f, of 10,000 slow requests in a row it allows %d",
    (budgetRatio, allowed) => {
      const hedging = new Hedging({ budgetRatio });
      let hedges = 0;
      for (let request = 0; request < 10_000; request++) {
        hedging.deposit();
        if (hedging.tryWithdraw()) hedges++;
      }
      expect(hedges).toBe(allowed);
    },
  );

  test("holds from the start, and over any stretch but for the ten that were saved", () => {
    const ratios = fc.constantFrom(0, 0.01, 0.05, 0.3, 1);
    const steps = fc.array(fc.record({ requests: fc.nat(100), tries: fc.nat(30) }), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(
      fc.property(ratios, steps, (budgetRatio, plan) => {
        const hedging = new Hedging({ budgetRatio });
        const done = plan.map(({ requests, tries }) => {
          for (let request = 0; request < requests; request++) hedging.deposit();
          let hedges = 0;
          for (let i = 0; i < tries; i++) if (hedging.tryWithdraw()) hedges++;
          return { requests, hedges };
        });
        for (let from = 0; from < done.length; from++) {
          const stretch = done.slice(from);
          const requests = stretch.reduce((sum, each) => sum + each.requests, 0);
          const hedges = stretch.reduce((sum, each) => sum + each.hedges, 0);
          const saved = from === 0 ? 0 : 10;
          expect(hedges).toBeLessThanOrEqual(budgetRatio * requests + saved + 1e-9);
        }
      }),
    );
  });
});

describe("in a simulation", () => {
  /** Mostly around 10 ms, `slowShare` of them around 500 ms. */
  function latencyFrom(random: Random, slowShare: number): number {
    return (random() < slowShare ? 500 : 10) * (0.5 + random());
  }

  /** Requests one after the other, each hedged as its owner would. */
  function simulate(seed: number, slowShareAt: (request: number) => number, requests = 20_000) {
    const random = seededRandom(seed);
    const hedging = new Hedging();
    const plain: number[] = [];
    const hedged: number[] = [];
    let hedges = 0;
    let nowMs = 0;
    for (let request = 0; request < requests; request++) {
      nowMs += 5;
      hedging.deposit();
      const firstMs = latencyFrom(random, slowShareAt(request));
      plain.push(firstMs);
      const delayMs = hedging.delayMs(nowMs) ?? Number.POSITIVE_INFINITY;
      let tookMs = firstMs;
      if (firstMs > delayMs && hedging.tryWithdraw()) {
        hedges++;
        const secondMs = latencyFrom(random, slowShareAt(request));
        tookMs = Math.min(firstMs, delayMs + secondMs);
        hedging.record(Math.min(secondMs, tookMs - delayMs), nowMs);
      }
      hedging.record(tookMs, nowMs);
      hedged.push(tookMs);
    }
    const p99 = (latencies: number[]): number =>
      latencies.sort((a, b) => a - b)[Math.floor(0.99 * latencies.length)] ?? 0;
    return { hedgeShare: hedges / requests, plainP99: p99(plain), hedgedP99: p99(hedged), hedging };
  }

  test("3 % slow answers all but vanish from the tail, for 5 % more requests at most", () => {
    const seed = 42;
    const { hedgeShare, plainP99, hedgedP99 } = simulate(seed, () => 0.03);
    expect(plainP99, `seed ${seed}`).toBeGreaterThan(250);
    expect(hedgedP99 / plainP99, `seed ${seed}`).toBeLessThan(0.2);
    expect(hedgeShare, `seed ${seed}`).toBeLessThanOrEqual(0.05);
    expect(hedgeShare, `seed ${seed}`).toBeGreaterThan(0.03);
  });

  test("when everything becomes slow, no more than 5 % is hedged, and the delay follows", () => {
    const seed = 43;
    const { hedgeShare, hedging } = simulate(seed, (request) => (request < 10_000 ? 0.03 : 1));
    expect(hedgeShare, `seed ${seed}`).toBeLessThanOrEqual(0.05);
    expect(hedging.delayMs(100_000), `seed ${seed}`).toBeGreaterThan(250);
  });
});

test("wrong options are refused by name", () => {
  const create = (options: object) => (): unknown => new Hedging(options);
  expect(create({ percentile: 95 })).toThrow(/percentile must be a number above 0 and below 1/);
  expect(create({ percentile: 1 })).toThrow(RangeError);
  expect(create({ minDelayMs: -1 })).toThrow(/minDelayMs must be a non-negative number/);
  expect(create({ maxDelayMs: 0 })).toThrow(/maxDelayMs must be a positive number/);
  expect(create({ minDelayMs: 10, maxDelayMs: 5 })).toThrow(
    /maxDelayMs must be at least minDelayMs \(10\), got 5/,
  );
  expect(create({ budgetRatio: 1.1 })).toThrow(/budgetRatio must be a number from 0 to 1/);
  expect(create({ minSamples: 0 })).toThrow(/minSamples must be an integer of at least 1/);
  expect(create({ windowMs: 0 })).toThrow(/windowMs must be a positive number/);
  expect(create({ delayMs: 5 })).toThrow(
    /hedge: unknown option "delayMs", did you mean "minDelayMs"/,
  );
});
