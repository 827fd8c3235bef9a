/**
 * The copies in the process, and when one may be made.
 *
 * A copy is kept only if an invalidation would find it: its flight has not been forgotten, its
 * guards are those of the registry, and the bus of its partition delivers. While the store cannot
 * be reached nobody can invalidate anything, and to protect the source a copy is kept for a short
 * time; it is dropped when the bus is back.
 */

import type { Flight } from "./flight.ts";
import { type CacheEntry, LocalEntry } from "./local-entry.ts";
import type { LocalStore } from "./local-store.ts";
import type { ReadRules } from "./read-rules.ts";
import type { Guard, TagRegistry } from "./tag-registry.ts";

export interface CopiesOptions {
  readonly store: LocalStore<LocalEntry>;
  /** Whether each invalidation of this partition arrives. */
  readonly delivers: (partition: number) => boolean;
  /** Breaks when the bus is back. */
  readonly outageGuard: () => Guard;
  /** Whose guards a copy made in an outage depends on. */
  readonly tags: TagRegistry;
}

export class Copies {
  readonly #options: CopiesOptions;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  /** The copy, if it is intact; it may be stale. */
  get(key: string): LocalEntry | undefined {
    const copy = this.#options.store.get(key);
    return copy?.intact ? copy : undefined;
  }

  drop(key: string): void {
    this.#options.store.delete(key);
  }

  dropAll(): void {
    this.#options.store.clear();
  }

  /** Keeps a copy if that is allowed; gives it in either case. */
  keep(
    flight: Flight,
    entry: CacheEntry,
    guards: readonly Guard[],
    rules: ReadRules,
    from: { readonly partition: number; readonly bytes: number },
  ): LocalEntry {
    const ageMs = Math.max(0, rules.clock.now() - entry.storedAtMs);
    const freshUntilMs = rules.clock.monotonicNow() + entry.freshForMs - ageMs;
    const copy = new LocalEntry(entry, guards, rules, freshUntilMs);
    if (flight.current && this.#options.delivers(from.partition)) {
      this.#options.store.set(flight.key, copy, from.bytes);
    }
    return copy;
  }

  /** Keeps a copy for a short time, so that the source is not asked by every read. */
  keepInOutage(flight: Flight, entry: CacheEntry, rules: ReadRules): void {
    if (!flight.current) return;
    const { outageGuard, tags, store } = this.#options;
    const guards = [outageGuard(), ...tags.provisionalGuards(entry.tags)];
    const freshForMs = Math.min(entry.freshForMs, rules.outageTtlMs);
    const freshUntilMs = rules.clock.monotonicNow() + freshForMs;
    const copy = new LocalEntry({ ...entry, freshForMs }, guards, rules, freshUntilMs);
    store.set(flight.key, copy, rules.sizeOf(entry.value));
  }
}
