/**
 * The contract of a shared tier: bytes by key, leases, and the clock of tags.
 *
 * **Leases** are how a shared cache stays right. A miss grants a token to one caller; the fill must
 * show it; an invalidation voids it. So a value that was read from the database before an
 * invalidation can never be stored after it, however slow its load was. A lease is also what makes
 * ten processes load a missing key once. It is not a mutex: when it runs out, another may load.
 *
 * **The clock of tags** makes many keys invalid at once without touching them. A partition has a
 * counter, its *sequence*, that only grows; bumping a tag notes the next number for it. An entry
 * carries the number that was read before its load and is good while none of its tags has been
 * bumped later. A store that has forgotten its tags (evicted, flushed, restarted empty) answers
 * with a new `floor`, above every number it ever gave: whatever is older counts as changed.
 *
 * A store may consist of several servers that know nothing of each other: *partitions*, each with
 * a sequence of its own. Every answer says of which it is.
 *
 * Every method settles within the store's own deadline. What cannot be reached rejects; it never
 * answers "not there". A store publishes what it invalidates and bumps on the bus that belongs to
 * it, in the same step, with the origin it was opened with.
 *
 * Sources: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases).
 */

import type { Clock } from "@headroom/core/clock";

/** What a store gets to know of the cache it works for. */
export interface StoreContext {
  /** The name of the cache: processes of one name share what is stored. */
  readonly cache: string;
  /** This process among them; nobody else has it. In messages, so that one's own are known. */
  readonly origin: string;
  readonly clock: Clock;
}

/** Makes the store when the cache is created: `redisStore(client)`, `memoryStore()`. */
export type StoreProvider = (context: StoreContext) => CacheStore;

/** Bytes that were found. */
export interface StoredBytes {
  readonly bytes: Uint8Array;
  readonly partition: number;
}

export interface LeaseRequest {
  readonly key: string;
  /** Proof that the fill is the one the lease was given for; unguessable. */
  readonly token: string;
  /** After this long without `renew` or `fill` the lease is anybody's. */
  readonly leaseMs: number;
  /** Asks for the lease although there is a value, in order to replace it. */
  readonly refresh: boolean;
}

export type LeaseReply =
  /** There is a value; no lease was given. Never the answer to a refresh. */
  | { readonly kind: "value"; readonly bytes: Uint8Array; readonly partition: number }
  /** Load it, and fill with the token. */
  | { readonly kind: "granted"; readonly partition: number }
  /** Another caller loads it now. */
  | { readonly kind: "held"; readonly partition: number }
  /** Invalidated a moment ago with a hold: load it, but nothing will be stored. */
  | { readonly kind: "on-hold"; readonly partition: number };

export interface Fill {
  readonly key: string;
  readonly token: string;
  readonly bytes: Uint8Array;
  /** When the store itself drops it. */
  readonly ttlMs: number;
}

export interface Write {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly ttlMs: number;
  /** The partition whose sequence the bytes carry, from `partitionOf`. Now another one: rejects. */
  readonly partition: number;
}

export interface InvalidateOptions {
  /** For this long nothing is stored under these keys: until replicas have caught up. 0 is none. */
  readonly holdForMs: number;
}

/** The clock of tags of one partition, as it stands. */
export interface TagReading {
  readonly partition: number;
  /** The highest number given so far; take it before a load. */
  readonly sequence: number;
  /** Every tag without a number of its own counts as bumped then. */
  readonly floor: number;
  /** For each tag asked for, in order: when it was last bumped; undefined: not since `floor`. */
  readonly bumps: readonly (number | undefined)[];
}

/** Keys are complete, printable and bounded in length; lists are never empty and without repeats. */
export interface CacheStore {
  /** For telemetry: `"redis"`. */
  readonly name: string;
  /** How many servers there are that know nothing of each other: at least 1. */
  readonly partitions: number;
  /** Where a key is at the moment: it may be elsewhere when a server has died or come back. */
  partitionOf(key: string): number;
  /** In the order of `keys`; undefined where nothing is. */
  read(keys: readonly string[]): Promise<readonly (StoredBytes | undefined)[]>;
  /** The value, or the right to load it: one step each. In the order of the requests. */
  lease(requests: readonly LeaseRequest[]): Promise<readonly LeaseReply[]>;
  /** Makes a lease last `leaseMs` from now. False: it is not the caller's any more. */
  renew(key: string, token: string, leaseMs: number): Promise<boolean>;
  /** Gives a lease back without a value, so that the next caller need not wait. */
  release(key: string, token: string): Promise<void>;
  /** Stores what was loaded under a lease. False: the lease is void, nothing was stored. */
  fill(fills: readonly Fill[]): Promise<readonly boolean[]>;
  /** Stores unconditionally, voids leases, and tells the others that these keys have changed. */
  write(writes: readonly Write[]): Promise<void>;
  /** Removes values, voids leases, tells the others. */
  invalidate(keys: readonly string[], options: InvalidateOptions): Promise<void>;
  /** Gives each tag the next number, in every partition, and tells the others. */
  bump(tags: readonly string[]): Promise<readonly TagReading[]>;
  /** The clock of one partition for these tags (none: `sequence` and `floor` alone). */
  tags(partition: number, tags: readonly string[]): Promise<TagReading>;
  /** Lets go of what the store opened itself; the application's client stays open. */
  close(): Promise<void>;
}
