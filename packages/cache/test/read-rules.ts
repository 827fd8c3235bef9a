/** Rules of reading for tests of single parts. */

import { createManualClock, type ManualClock } from "@headroom/core/testing";
import type { CacheEntry } from "../src/local-entry.ts";
import type { ReadRules } from "../src/read-rules.ts";

export function rulesFor(
  changes: Partial<ReadRules> = {},
): ReadRules & { readonly clock: ManualClock } {
  const clock = createManualClock();
  return {
    random: () => 0.5,
    ttlMs: 1_000,
    jitter: 0,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    earlyRefresh: 0,
    loadTimeoutMs: 5_000,
    softTimeoutMs: 5_000,
    waitForLoadMs: 1_000,
    absentTtlMs: 0,
    outageTtlMs: 200,
    tagsOf: (_value, added) => ["*", ...added],
    protect: (value) => value,
    sizeOf: () => 10,
    onHold: () => false,
    ...changes,
    clock,
  };
}

export function entryFor(rules: ReadRules, changes: Partial<CacheEntry> = {}): CacheEntry {
  return {
    value: "v",
    sequence: 5,
    tags: ["*"],
    storedAtMs: rules.clock.now(),
    freshForMs: 1_000,
    loadMs: 1,
    validator: undefined,
    ...changes,
  };
}
