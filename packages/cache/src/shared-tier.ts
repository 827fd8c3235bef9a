/**
 * The shared store as a read sees it: entries instead of bytes, and never an invalid one.
 *
 * What is found is decoded, and checked against the clock of tags; what cannot be decoded or is
 * invalid counts as not there, and the lease to replace it is asked for. When the store does not
 * answer, the answer here is "unreachable": a read goes on without it.
 */

import type { CacheEntry } from "./local-entry.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import type { CacheStore, StoredBytes } from "./store.ts";
import type { Guard, TagRegistry } from "./tag-registry.ts";

/** Entry to bytes and back. `decode` never throws: undefined is "not an entry of ours". */
export interface EntryFormat {
  encode(key: string, entry: CacheEntry): Uint8Array;
  decode(key: string, bytes: Uint8Array): CacheEntry | undefined;
}

export interface Found {
  readonly kind: "found";
  readonly entry: CacheEntry;
  readonly guards: readonly Guard[];
  readonly partition: number;
  /** Its size in the store. */
  readonly bytes: number;
}

export type Sought =
  | Found
  /** Load it, and fill with the token. */
  | { readonly kind: "granted"; readonly token: string; readonly partition: number }
  | { readonly kind: "held" }
  | { readonly kind: "on-hold" }
  | { readonly kind: "unreachable"; readonly cause: unknown };

export interface SharedTierOptions {
  readonly store: CacheStore;
  readonly format: EntryFormat;
  readonly registries: readonly TagRegistry[];
  readonly pending: PendingInvalidations;
  readonly leaseMs: number;
  /** Unguessable, and new each time. */
  readonly token: () => string;
  /** Bytes that are no entry. */
  readonly undecodable: () => void;
  /** The store rejected. */
  readonly failed: (cause: unknown) => void;
}

export class SharedTier {
  readonly #options: SharedTierOptions;

  constructor(options: SharedTierOptions) {
    this.#options = options;
  }

  /** How long a lease lasts without being renewed, in milliseconds. */
  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  registry(partition: number): TagRegistry {
    const registry = this.#options.registries[partition];
    if (registry === undefined) throw new RangeError(`the store has no partition ${partition}`);
    return registry;
  }

  /** The number to take before a load; -1 when it cannot be had. */
  async sequence(partition: number): Promise<number> {
    const registry = this.registry(partition);
    if (registry.knownSequence >= 0) return registry.knownSequence;
    try {
      return await registry.sequence();
    } catch (cause) {
      this.#options.failed(cause);
      return -1;
    }
  }

  /** The guards of a valid entry; undefined when it is not valid, or nobody knows. */
  async guards(partition: number, entry: CacheEntry): Promise<readonly Guard[] | undefined> {
    try {
      return await this.registry(partition).guards(entry.tags, entry.sequence);
    } catch (cause) {
      this.#options.failed(cause);
      return undefined;
    }
  }

  partitionOf(key: string): number {
    return this.#options.store.partitionOf(key);
  }

  /**
   * What there is under this key, or the right to load it.
   * @param expectMiss asks for the lease at once: one step less when nothing is there, and dearer
   *   when something is.
   */
  async seek(key: string, expectMiss: boolean): Promise<Sought> {
    if (this.#options.pending.has(key)) return PENDING;
    try {
      const [found] = expectMiss ? [undefined] : await this.#options.store.read([key]);
      if (found === undefined) return await this.#lease(key, false);
      const usable = this.#usable(key, found);
      return (isPromise(usable) ? await usable : usable) ?? (await this.#lease(key, true));
    } catch (cause) {
      return this.#unreachable(cause);
    }
  }

  /** What there is under this key, if anything; never the right to load it. */
  async find(key: string): Promise<Found | undefined> {
    if (this.#options.pending.has(key)) return undefined;
    try {
      const [found] = await this.#options.store.read([key]);
      return found && (await this.#usable(key, found));
    } catch (cause) {
      this.#options.failed(cause);
      return undefined;
    }
  }

  /** The right to replace what is there. */
  async seekLease(key: string): Promise<Sought> {
    if (this.#options.pending.has(key)) return PENDING;
    try {
      return await this.#lease(key, true);
    } catch (cause) {
      return this.#unreachable(cause);
    }
  }

  /** Stores what was loaded. False: refused. Undefined: the store did not answer. */
  async fill(
    key: string,
    token: string,
    bytes: Uint8Array,
    ttlMs: number,
  ): Promise<boolean | undefined> {
    try {
      const [accepted] = await this.#options.store.fill([{ key, token, bytes, ttlMs }]);
      return accepted;
    } catch (cause) {
      this.#options.failed(cause);
      return undefined;
    }
  }

  /** Makes the lease last. What goes wrong here shows at the fill. */
  async renew(key: string, token: string): Promise<void> {
    try {
      await this.#options.store.renew(key, token, this.#options.leaseMs);
    } catch (cause) {
      this.#options.failed(cause);
    }
  }

  async release(key: string, token: string): Promise<void> {
    try {
      await this.#options.store.release(key, token);
    } catch (cause) {
      this.#options.failed(cause);
    }
  }

  /** @throws what the store rejects with: the value is not there. */
  async write(key: string, bytes: Uint8Array, ttlMs: number, partition: number): Promise<void> {
    await this.#options.store.write([{ key, bytes, ttlMs, partition }]);
  }

  /** @throws what the store rejects with: the values may still be there. */
  async invalidate(keys: readonly string[], holdForMs: number): Promise<void> {
    await this.#options.store.invalidate(keys, { holdForMs });
  }

  encode(key: string, entry: CacheEntry): Uint8Array {
    return this.#options.format.encode(key, entry);
  }

  async #lease(key: string, refresh: boolean): Promise<Sought> {
    const { store, leaseMs } = this.#options;
    const token = this.#options.token();
    const [reply] = await store.lease([{ key, token, leaseMs, refresh }]);
    switch (reply?.kind) {
      case "granted":
        return { kind: "granted", token, partition: reply.partition };
      case "value":
        return (await this.#usable(key, reply)) ?? (await this.#lease(key, true));
      case "on-hold":
        return ON_HOLD;
      default:
        return HELD;
    }
  }

  /** At once, if the clock of tags need not be asked for: a promise more costs as much as decoding. */
  #usable(key: string, found: StoredBytes): Found | undefined | Promise<Found | undefined> {
    const entry = this.#options.format.decode(key, found.bytes);
    if (entry === undefined) {
      this.#options.undecodable();
      return undefined;
    }
    const registry = this.registry(found.partition);
    const known = registry.knownGuards(entry.tags, entry.sequence);
    if (known !== "ask") return foundIf(known, entry, found);
    return registry
      .guards(entry.tags, entry.sequence)
      .then((guards) => foundIf(guards, entry, found));
  }

  #unreachable(cause: unknown): Sought {
    this.#options.failed(cause);
    return { kind: "unreachable", cause };
  }
}

const HELD: Sought = { kind: "held" };
const ON_HOLD: Sought = { kind: "on-hold" };
const PENDING: Sought = { kind: "unreachable", cause: undefined };

function foundIf(
  guards: readonly Guard[] | undefined,
  entry: CacheEntry,
  { partition, bytes }: StoredBytes,
): Found | undefined {
  return guards && { kind: "found", entry, guards, partition, bytes: bytes.length };
}

function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return value instanceof Promise;
}
