/**
 * The tier in the process: a bounded map that chooses what to forget.
 *
 * The four policies (`policies/`) differ in that choice alone. Freshness is not their business: an
 * entry that has expired lies there until it is read, replaced or pushed out.
 */

export interface LocalStore<Entry> {
  /** Counts as a use. */
  get(key: string): Entry | undefined;
  /** Does not count as a use. */
  peek(key: string): Entry | undefined;
  /**
   * Replaces what was there; pushes others out until `maxEntries` and `maxBytes` hold.
   * An entry larger than `maxBytes` is not taken, and what was there under its key goes too.
   * @param bytes its size, counted against `maxBytes`; at least 1.
   */
  set(key: string, entry: Entry, bytes: number): void;
  /** @returns whether it was there. */
  delete(key: string): boolean;
  clear(): void;
  /** How many entries it holds. */
  readonly size: number;
  /** The sum of their sizes. */
  readonly bytes: number;
  /** How many were pushed out by others, since the beginning. */
  readonly evictions: number;
}

export interface LocalStoreLimits {
  /** A whole number, at least 1. */
  readonly maxEntries: number;
  /** `Infinity` for no limit of size. */
  readonly maxBytes: number;
}

/** Which entry goes when there is no room. */
export type EvictionPolicy = "lru" | "lfu" | "fifo" | "s3fifo";
