/** What the policies are worth, on sequences of requests that are made up and repeatable. */

import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beladyHitRatio,
  hitRatio,
  shiftingWindowTrace,
  stackDistanceTrace,
  type Trace,
  zipfTrace,
} from "../../test/traces.ts";
import type { EvictionPolicy } from "../local-store.ts";
import { createLocalStore } from "../local-store-by-policy.ts";

const POLICIES = ["lru", "lfu", "fifo", "s3fifo"] as const;

/** In percent. */
function ratios(trace: Trace, maxEntries: number): Record<EvictionPolicy | "belady", number> {
  const limits = { maxEntries, maxBytes: Number.POSITIVE_INFINITY };
  const percent = (policy: EvictionPolicy): number =>
    100 * hitRatio(trace, createLocalStore(policy, limits));
  const [lru, lfu, fifo, s3fifo] = POLICIES.map(percent) as [number, number, number, number];
  const found = { lru, lfu, fifo, s3fifo, belady: 100 * beladyHitRatio(trace, maxEntries) };
  for (const policy of POLICIES) expect(found[policy]).toBeLessThanOrEqual(found.belady);
  return found;
}

describe("zipf 0.99 over 100 000 keys (seed 1)", () => {
  const trace = zipfTrace({
    requests: 1_000_000,
    random: seededRandom(1),
    keys: 100_000,
    skew: 0.99,
  });

  test.each([1_000, 10_000])("with %d entries s3fifo is at least 4 points above lru", (entries) => {
    const found = ratios(trace, entries);
    expect(found.s3fifo).toBeGreaterThanOrEqual(found.lru + 4);
    expect(found.lfu).toBeGreaterThanOrEqual(found.lru + 2);
    expect(found.lru).toBeGreaterThan(found.fifo);
  });
});

describe("a window of 2 000 keys that moves on, 20 requests a key (seed 2)", () => {
  const trace = shiftingWindowTrace({
    requests: 300_000,
    random: seededRandom(2),
    window: 2_000,
    readsPerKey: 20,
  });

  test.each([250, 1_000, 2_000])(
    "with %d entries s3fifo is at most 1.5 points below lru",
    (entries) => {
      const found = ratios(trace, entries);
      expect(found.s3fifo).toBeGreaterThanOrEqual(found.lru - 1.5);
    },
  );

  test("lfu holds on to what was popular, and loses by that", () => {
    const found = ratios(trace, 1_000);
    expect(found.lfu).toBeLessThan(found.lru - 10);
  });
});

describe("requests for what was requested lately, 1 in 50 for something new (seed 3)", () => {
  const trace = stackDistanceTrace({
    requests: 300_000,
    random: seededRandom(3),
    meanDistance: 300,
    newShare: 0.02,
  });

  test.each([1_000, 2_000])(
    "with room for most of it, %d entries, s3fifo is at most 1.5 points below lru",
    (entries) => {
      const found = ratios(trace, entries);
      expect(found.s3fifo).toBeGreaterThanOrEqual(found.lru - 1.5);
    },
  );

  test("with room for the mean distance alone, nothing but recency counts: lru is ahead by less than 6", () => {
    const found = ratios(trace, 300);
    expect(found.lru - found.s3fifo).toBeGreaterThan(1.5);
    expect(found.lru - found.s3fifo).toBeLessThan(6);
  });
});

test("the ceiling is what the best choice at each eviction would reach", () => {
  const small = fc.array(fc.nat(5), { maxLength: 12 });
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 4 }), (requests, maxEntries) => {
      const trace = Int32Array.from(requests);
      const best = mostHits(requests, new Set(), maxEntries);
      expect(beladyHitRatio(trace, maxEntries) * requests.length || 0).toBeCloseTo(best);
    }),
  );
});

/** By trying every choice. */
function mostHits(
  [next, ...rest]: number[],
  held: ReadonlySet<number>,
  maxEntries: number,
): number {
  if (next === undefined) return 0;
  if (held.has(next)) return 1 + mostHits(rest, held, maxEntries);
  if (held.size < maxEntries) return mostHits(rest, new Set([...held, next]), maxEntries);
  const choices = [...held].map((victim) => [...held].filter((key) => key !== victim));
  return Math.max(...choices.map((kept) => mostHits(rest, new Set([...kept, next]), maxEntries)));
}
