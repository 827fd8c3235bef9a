/**
 * Changes of one definition: a value written, or keys invalidated.
 *
 * The process forgets first, so that nobody joins what is under way; then the store is told, which
 * voids leases and tells the other processes; then the process forgets again, because a read that
 * started in between may have fetched the old value. A change that does not reach the store is
 * queued, and until it has, this process does not read these keys from the store.
 */

import type { Copies } from "./copies.ts";
import { type Degradation, degradationBy } from "./degradation.ts";
import type { Flight } from "./flight.ts";
import { freshFor, keptFor } from "./freshness.ts";
import type { Holds } from "./holds.ts";
import type { CacheEntry } from "./local-entry.ts";
import { DONE, type InvalidationOutcome } from "./outcome.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import type { ReadRules } from "./read-rules.ts";
import type { ReadThrough } from "./read-through.ts";
import type { SharedTier } from "./shared-tier.ts";
import type { TagRegistry } from "./tag-registry.ts";

export interface Written {
  readonly key: string;
  readonly storeKey: string;
  readonly rules: ReadRules;
  readonly value: unknown;
  readonly ttlMs: number;
  readonly tags: readonly string[];
}

export interface WriterOptions {
  readonly reads: ReadThrough;
  readonly copies: Copies;
  readonly shared: SharedTier | undefined;
  readonly pending: PendingInvalidations | undefined;
  readonly holds: Holds;
  readonly ownTags: TagRegistry;
  readonly degraded: (reason: Degradation) => void;
}

export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  async write(written: Written): Promise<InvalidationOutcome> {
    let outcome = DONE;
    await this.#options.reads.write(written.key, async (flight) => {
      outcome = await this.#write(flight, written);
      return written.value;
    });
    return outcome;
  }

  async invalidate(
    keys: readonly string[],
    storeKeys: readonly string[],
    holdForMs: number,
  ): Promise<InvalidationOutcome> {
    const { reads, holds, shared } = this.#options;
    for (const key of keys) {
      reads.void(key);
      holds.add(key, holdForMs);
    }
    if (shared === undefined || keys.length === 0) return DONE;
    try {
      await shared.invalidate(storeKeys, holdForMs);
      return DONE;
    } catch (cause) {
      return this.#queued(storeKeys, holdForMs, cause);
    } finally {
      for (const key of keys) reads.void(key);
    }
  }

  async #write(flight: Flight, written: Written): Promise<InvalidationOutcome> {
    const { shared, ownTags, copies } = this.#options;
    const { rules, storeKey } = written;
    if (shared === undefined) {
      const entry = entryOf(written, ownTags.knownSequence);
      const guards = await ownTags.guards(entry.tags, entry.sequence);
      const bytes = rules.sizeOf(entry.value);
      if (guards !== undefined) copies.keep(flight, entry, guards, rules, { partition: 0, bytes });
      return DONE;
    }
    const partition = shared.partitionOf(storeKey);
    const entry = entryOf(written, await shared.sequence(partition));
    const bytes = shared.encode(storeKey, entry);
    try {
      if (entry.sequence < 0) throw new TypeError("the clock of tags of the store is not known");
      await shared.write(storeKey, bytes, keptFor(rules, entry.freshForMs), partition);
    } catch (cause) {
      copies.keepInOutage(flight, entry, rules);
      return this.#queued([storeKey], 0, cause);
    }
    const guards = await shared.guards(partition, entry);
    const from = { partition, bytes: bytes.length };
    if (guards !== undefined) copies.keep(flight, entry, guards, rules, from);
    return DONE;
  }

  #queued(keys: readonly string[], holdForMs: number, cause: unknown): InvalidationOutcome {
    this.#options.pending?.addKeys(keys, holdForMs);
    this.#options.degraded(degradationBy(cause));
    this.#options.degraded("invalidation-queued");
    return { status: "queued", cause };
  }
}

function entryOf({ rules, value, ttlMs, tags }: Written, sequence: number): CacheEntry {
  return {
    value: rules.protect(value),
    sequence,
    tags: rules.tagsOf(value, tags),
    storedAtMs: rules.clock.now(),
    freshForMs: freshFor(rules, ttlMs, rules.random),
    loadMs: 0,
    validator: undefined,
  };
}
