import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FailureKind, healthPolicy } from "./health-policy.ts";
import { seededRandom } from "./random.ts";

const longest = (): number => 0;

/** The lengths of ejections that follow each other without a clean moment between. */
function ejectionsInARow(kind: FailureKind, count: number): number[] {
  const policy = healthPolicy({ random: longest });
  const lengths: number[] = [];
  let ejections = 0;
  for (let i = 0; i < count; i++) {
    const next = policy.eject(kind, ejections);
    lengths.push(next.ejectionMs);
    ejections = next.ejections;
  }
  return lengths;
}

test("ejections double from 30 s to 300 s", () => {
  const lengths = ejectionsInARow("failed", 6);
  expect(lengths).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
});

test("after a refused connection they start at 1 s", () => {
  const lengths = ejectionsInARow("refused", 11);
  expect(lengths.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
  expect(lengths.slice(8)).toEqual([256_000, 300_000, 300_000]);
});

test("the count of ejections stops growing where their length does", () => {
  const policy = healthPolicy();
  let ejections = 0;
  for (let i = 0; i < 1000; i++) ejections = policy.eject("failed", ejections).ejections;
  expect(ejections).toBe(4);
});

describe("jitter", () => {
  test("shortens an ejection by at most a tenth and never lengthens it", () => {
    const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 2000 }), (seed, ejections) => {
        const jittered = healthPolicy({ random: seededRandom(seed) }).eject("failed", ejections);
        const whole = healthPolicy({ random: longest }).eject("failed", ejections);
        expect(jittered.ejectionMs).toBeLessThanOrEqual(whole.ejectionMs);
        expect(jittered.ejectionMs).toBeGreaterThanOrEqual(whole.ejectionMs * 0.9);
        expect(jittered.ejectionMs).toBeLessThanOrEqual(300_000);
      }),
    );
  });
});

test("wrong options are refused by name", () => {
  expect(() => healthPolicy({ consecutiveFailures: 0 })).toThrow(/consecutiveFailures must be/);
  expect(() => healthPolicy({ ejectionMs: -1 })).toThrow(/ejectionMs must be a positive number/);
  expect(() => healthPolicy({ slowStartMs: -1 })).toThrow(/slowStartMs must be a non-negative/);
  expect(() => healthPolicy({ probeTimeoutMs: 0 })).toThrow(/probeTimeoutMs must be a positive/);
  expect(() => healthPolicy({ maxEjectionMs: 10_000 })).toThrow(
    "ejectionMs must be at most maxEjectionMs (10000), got 30000",
  );
  expect(() => healthPolicy({ ejectMs: 5 } as object)).toThrow(/unknown option "ejectMs"/);
});
