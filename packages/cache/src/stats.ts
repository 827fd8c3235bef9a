/** What one definition has done since the beginning. */

/** Counts. `hits + stale + misses` is the number of reads. */
export interface DefinitionStats {
  /** Answered from the process, fresh. */
  readonly localHits: number;
  /** Answered from the shared store, fresh. */
  readonly sharedHits: number;
  /** Answered with a value past its time. */
  readonly stale: number;
  /** Answered by a load. */
  readonly misses: number;
  /** Reads that joined the work of another read of the same key. */
  readonly coalesced: number;
  /** Calls of the loader; a call of `loadMany` is one. */
  readonly loads: number;
  readonly loadErrors: number;
  /** Reads that were answered with the error of a load a moment before. */
  readonly throttled: number;
  /** Reads that waited for another process to load. */
  readonly waits: number;
  /** Loaded values that were not stored, because of an invalidation during the load. */
  readonly fillsRefused: number;
  /** Bytes of the store that were no entry of this cache. */
  readonly undecodable: number;
  /** Entries that the process's own limits pushed out. */
  readonly evictions: number;
  /** Entries in the process now. */
  readonly entries: number;
  /** Their estimated size. */
  readonly bytes: number;
}

type Counters = { -readonly [Name in keyof DefinitionStats]: DefinitionStats[Name] };

/** All at 0. */
export function createCounters(): Counters {
  return {
    localHits: 0,
    sharedHits: 0,
    stale: 0,
    misses: 0,
    coalesced: 0,
    loads: 0,
    loadErrors: 0,
    throttled: 0,
    waits: 0,
    fillsRefused: 0,
    undecodable: 0,
    evictions: 0,
    entries: 0,
    bytes: 0,
  };
}

export type { Counters };
