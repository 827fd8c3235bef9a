import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.ts";
import { createManualClock } from "./testing.ts";

function withdrawAll(budget: RetryBudget): number {
  let retries = 0;
  while (budget.tryWithdraw()) retries++;
  return retries;
}

/** What a client does when every request fails and every retry that is allowed is made. */
function retriesOf(requests: number, options: RetryBudgetOptions): number {
  const budget = new RetryBudget({ ...options, clock: createManualClock() });
  let retries = 0;
  for (let request = 0; request < requests; request++) {
    budget.deposit();
    if (budget.tryWithdraw()) retries++;
    else expect(budget.balance).toBe(0);
  }
  return retries;
}

describe("the counts that Finagle publishes (RetryBudgetTest), without its margin of one", () => {
  const ratios = [0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001];
  test.each(ratios)("of 10,000 failing requests, %f are retried once", (retryRatio) => {
    const retries = retriesOf(10_000, { retryRatio, minRetriesPerSecond: 0, windowMs: 60_000 });
    expect(retries).toBe(Math.round(10_000 * retryRatio));
  });

  test("a ratio of 2 earns two retries for each request", () => {
    const budget = new RetryBudget({
      retryRatio: 2,
      minRetriesPerSecond: 0,
      windowMs: 60_000,
      clock: createManualClock(),
    });
    expect(budget.balance).toBe(0);
    expect(budget.tryWithdraw()).toBe(false);
    for (let request = 0; request < 10_000; request++) budget.deposit();
    expect(budget.balance).toBe(20_000);
  });

  test.each([
    { windowMs: 1000, minRetriesPerSecond: 10, retryRatio: 0, retries: 10 },
    { windowMs: 2000, minRetriesPerSecond: 5, retryRatio: 0, retries: 10 },
    { windowMs: 1000, minRetriesPerSecond: 10, retryRatio: 0.1, retries: 1010 },
    { windowMs: 2000, minRetriesPerSecond: 5, retryRatio: 0.5, retries: 5010 },
  ])("reserve and deposits add up: %o", ({ retries, ...options }) => {
    expect(retriesOf(10_000, options)).toBe(retries);
  });

  test("without ratio and reserve nothing may ever be retried", () => {
    expect(retriesOf(1000, { retryRatio: 0, minRetriesPerSecond: 0 })).toBe(0);
  });
});

describe("the scenarios of tower's tps_budget", () => {
  test("a new budget without reserve is empty (tps_empty)", () => {
    const budget = new RetryBudget({ retryRatio: 1, minRetriesPerSecond: 0, windowMs: 1000 });
    expect(budget.tryWithdraw()).toBe(false);
  });

  test("a deposit leaks out (tps_leaky)", async () => {
    const clock = createManualClock();
    const budget = new RetryBudget({
      retryRatio: 1,
      minRetriesPerSecond: 0,
      windowMs: 1000,
      clock,
    });
    budget.deposit();
    await clock.advance(3000);
    expect(budget.tryWithdraw()).toBe(false);
  });

  test("deposits count until the end of the window (tps_slots)", async () => {
    const clock = createManualClock();
    const options = { retryRatio: 0.5, minRetriesPerSecond: 0, windowMs: 1000, clock };
    const budget = new RetryBudget(options);
    budget.deposit();
    budget.deposit();
    await clock.advance(901);
    expect(budget.tryWithdraw()).toBe(true);

    await clock.advance(2001);
    budget.deposit();
    await clock.advance(301);
    budget.deposit();
    await clock.advance(801);
    budget.deposit();
    // The first is gone, the second and third are one retry.
    expect(budget.tryWithdraw()).toBe(true);
    expect(budget.tryWithdraw()).toBe(false);
  });

  test("the reserve can be used at once (tps_reserve)", () => {
    const clock = createManualClock();
    const budget = new RetryBudget({
      retryRatio: 1,
      minRetriesPerSecond: 5,
      windowMs: 1000,
      clock,
    });
    expect(withdrawAll(budget)).toBe(5);
  });
});

test("by default 100 retries are there at once, and one more for five requests", () => {
  const budget = new RetryBudget({ clock: createManualClock() });
  expect(withdrawAll(budget)).toBe(100);
  for (let request = 0; request < 50; request++) budget.deposit();
  expect(withdrawAll(budget)).toBe(10);
});

test("a used reserve comes back after the window", async () => {
  const clock = createManualClock();
  const budget = new RetryBudget({ minRetriesPerSecond: 2, windowMs: 5000, clock });
  expect(withdrawAll(budget)).toBe(10);
  await clock.advance(4000);
  expect(budget.balance).toBe(0);
  await clock.advance(1000);
  expect(budget.balance).toBe(10);
});

test("in no window are there more retries than its deposits and the reserve allow", async () => {
  const steps = fc.array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 300 }),
      requests: fc.integer({ min: 0, max: 20 }),
      tries: fc.integer({ min: 0, max: 20 }),
    }),
    { maxLength: 60 },
  );
  const ratios = fc.constantFrom(0, 0.1, 0.2, 1, 1.5);
  await fc.assert(
    fc.asyncProperty(
      steps,
      ratios,
      fc.integer({ min: 0, max: 5 }),
      async (plan, retryRatio, perSecond) => {
        const clock = createManualClock();
        const options = { retryRatio, minRetriesPerSecond: perSecond, windowMs: 1000, clock };
        const budget = new RetryBudget(options);
        const log: { atMs: number; requests: number; retries: number }[] = [];
        for (const { gapMs, requests, tries } of plan) {
          await clock.advance(gapMs);
          const atMs = clock.monotonicNow();
          for (let request = 0; request < requests; request++) budget.deposit();
          let retries = 0;
          for (let i = 0; i < tries; i++) if (budget.tryWithdraw()) retries++;
          log.push({ atMs, requests, retries });
          if (retries === 0) continue;
          const sum = (of: "requests" | "retries", sinceMs: number): number =>
            log
              .filter((entry) => entry.atMs > atMs - sinceMs)
              .reduce((n, entry) => n + entry[of], 0);
          const allowed = sum("requests", 1000) * retryRatio + perSecond;
          expect(sum("retries", 900)).toBeLessThanOrEqual(allowed + 1e-9);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("wrong options are refused by name", () => {
  expect(() => new RetryBudget({ retryRatio: -0.1 })).toThrow(/retryRatio must be a non-negative/);
  expect(() => new RetryBudget({ minRetriesPerSecond: -1 })).toThrow(/minRetriesPerSecond must be/);
  expect(() => new RetryBudget({ windowMs: 0 })).toThrow(/windowMs must be a positive number/);
  expect(() => new RetryBudget({ clock: {} as never })).toThrow(/clock must be an object with now/);
  expect(() => new RetryBudget({ ttlMs: 5 } as object)).toThrow(/unknown option "ttlMs"/);
});
