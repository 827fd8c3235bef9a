/** A value as the process keeps it: with the promise that every hit returns, and what it depends on. */

import { earlyWindow, type FreshnessRules } from "./freshness.ts";
import type { Guard } from "./tag-registry.ts";

/** What is known of a value wherever it lies. Times of the wall clock, in milliseconds. */
export interface CacheEntry {
  /** `undefined`: known to be absent. */
  readonly value: unknown;
  /** The clock of tags before the load. */
  readonly sequence: number;
  /** Complete names, the implicit ones too. */
  readonly tags: readonly string[];
  readonly storedAtMs: number;
  /** From `storedAtMs`. */
  readonly freshForMs: number;
  /** How long its load took. */
  readonly loadMs: number;
  /** What the loader left for its next conditional request: an ETag, a version. */
  readonly validator: string | undefined;
}

/** Times of the monotonic clock, in milliseconds. */
export class LocalEntry {
  /** Resolves to the value; every hit returns this same promise. */
  readonly promise: Promise<unknown>;
  readonly value: unknown;
  readonly entry: CacheEntry;
  readonly guards: readonly Guard[];
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  readonly errorUntilMs: number;
  /** Until then a hit is nothing but a hit. Moved on when somebody refreshes already. */
  quietUntilMs: number;

  constructor(
    entry: CacheEntry,
    guards: readonly Guard[],
    rules: FreshnessRules,
    freshUntilMs: number,
  ) {
    this.entry = entry;
    this.value = entry.value;
    this.promise = Promise.resolve(entry.value);
    this.guards = guards;
    this.freshUntilMs = freshUntilMs;
    this.staleUntilMs = freshUntilMs + rules.staleWhileRevalidateMs;
    this.errorUntilMs = freshUntilMs + Math.max(rules.staleIfErrorMs, rules.staleWhileRevalidateMs);
    this.quietUntilMs = freshUntilMs - earlyWindow(rules, entry.loadMs, entry.freshForMs);
  }

  /** Whether nothing it depends on has been bumped. */
  get intact(): boolean {
    const { guards } = this;
    for (let index = 0; index < guards.length; index++) {
      if (guards[index]?.broken) return false;
    }
    return true;
  }
}
