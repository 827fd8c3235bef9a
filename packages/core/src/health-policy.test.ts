import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FailureKind, healthPolicy } from "./health-policy.ts";
import { seededRandom } from "./random.ts";

const longest = (): number => 0;

/** The lengths of ejections that follow each other without a clean moment between. */
function ejectionsInARow(...kinds: FailureKind[]): number[] {
  const policy = healthPolicy({ random: longest });
  const lengths: number[] = [];
  for (const kind of kinds) lengths.push(policy.eject(kind, lengths.at(-1) ?? 0));
  return lengths;
}

const times = (count: number, kind: FailureKind): FailureKind[] => new Array(count).fill(kind);

test("ejections double from 30 s to 300 s", () => {
  const lengths = ejectionsInARow(...times(6, "failed"));
  expect(lengths).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
});

test("after a refused connection they start at 1 s", () => {
  const lengths = ejectionsInARow(...times(11, "refused"));
  expect(lengths.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
  expect(lengths.slice(8)).toEqual([256_000, 300_000, 300_000]);
});

test("of different kinds they go on from each other, none below the first of its kind", () => {
  const lengths = ejectionsInARow(...times(4, "refused"), "failed", "refused", "failed");
  expect(lengths).toEqual([1000, 2000, 4000, 8000, 30_000, 60_000, 120_000]);
});

test("whatever the sequence, an ejection is at most twice the last one or the first of its kind", () => {
  const policy = healthPolicy();
  const kinds = fc.array(fc.constantFrom<FailureKind>("failed", "refused"), { maxLength: 50 });
  fc.assert(
    fc.property(kinds, (sequence) => {
      let lastMs = 0;
      for (const kind of sequence) {
        const ejectionMs = policy.eject(kind, lastMs);
        const firstMs = kind === "failed" ? 30_000 : 1000;
        expect(ejectionMs).toBeGreaterThanOrEqual(0.9 * firstMs);
        expect(ejectionMs).toBeLessThanOrEqual(Math.min(300_000, Math.max(firstMs, 2 * lastMs)));
        lastMs = ejectionMs;
      }
    }),
  );
});

describe("jitter", () => {
  test("shortens an ejection by at most a tenth and never lengthens it", () => {
    const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 300_000 }), (seed, lastMs) => {
        const jittered = healthPolicy({ random: seededRandom(seed) }).eject("failed", lastMs);
        const whole = healthPolicy({ random: longest }).eject("failed", lastMs);
        expect(jittered).toBeLessThanOrEqual(whole);
        expect(jittered).toBeGreaterThanOrEqual(whole * 0.9);
        expect(jittered).toBeLessThanOrEqual(300_000);
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
  expect(() => healthPolicy({ random: 0.5 as never })).toThrow(
    "random must be a function, got 0.5",
  );
  expect(() => healthPolicy({ ejectMs: 5 } as object)).toThrow(/unknown option "ejectMs"/);
});
