/**
 * How long a value is good, and for what.
 *
 *     stored           early          fresh until        stale until         gone
 *       |---------------|. . . . . . . . |------------------|------------------|
 *        served          served, and may   served while       served when the
 *                        be loaded again   loaded again       load fails
 *
 * - The time to live is shortened by chance, so that what was stored together does not expire
 *   together.
 * - Shortly before the end, reads start the next load early with a probability that grows towards
 *   it and with the time a load takes. With many readers one of them does so in time, without
 *   speaking to the others, and nobody waits for an expired value.
 *
 * Source of the early refresh: Vattani, Chierichetti, Lowenstein, "Optimal probabilistic cache
 * stampede prevention", VLDB 2015 (XFetch).
 */

import type { Random } from "@headroom/core/random";

/** All durations in milliseconds. */
export interface FreshnessRules {
  readonly ttlMs: number;
  /** How much of `ttlMs` chance may take away: 0.1 is up to a tenth. */
  readonly jitter: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** XFetch's beta: 1 is usual, larger loads earlier, 0 never. */
  readonly earlyRefresh: number;
}

/** How long a value of this time to live is fresh, in milliseconds. */
export function freshFor(rules: FreshnessRules, ttlMs: number, random: Random): number {
  return ttlMs * (1 - rules.jitter * random());
}

/** How long a store should keep a value that is fresh for so long, in whole milliseconds. */
export function keptFor(rules: FreshnessRules, freshForMs: number): number {
  const staleMs = Math.max(rules.staleWhileRevalidateMs, rules.staleIfErrorMs);
  return Math.max(1, Math.ceil(freshForMs + staleMs));
}

/** How far before its end a value may be loaded early, in milliseconds. Before that, never. */
export function earlyWindow(rules: FreshnessRules, loadMs: number, freshForMs: number): number {
  // One in nine million draws is further out: -ln(2^-23) is 15.9.
  return Math.min(freshForMs, loadMs * rules.earlyRefresh * 16);
}

/** Whether this read should load again, `leftMs` before the value's end. */
export function refreshesEarly(
  rules: FreshnessRules,
  loadMs: number,
  leftMs: number,
  random: Random,
): boolean {
  // 1 - random() is never 0.
  return -Math.log(1 - random()) * loadMs * rules.earlyRefresh >= leftMs;
}
