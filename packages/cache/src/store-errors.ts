/** What a shared store rejects with, besides `CACHE_STORE_TIMEOUT` and `CIRCUIT_OPEN`. */

import { HeadroomError } from "@headroom/core/errors";

/** `CACHE_STORE_FAILED`: the store answered with an error, or its connection broke. */
export class CacheStoreError extends HeadroomError<"CACHE_STORE_FAILED"> {
  /** The store's name: `"redis"`, or `"redis:<node>"` of one of several. */
  readonly store: string;
  /** What it answered, one word: `"OOM"`, `"READONLY"`, `"ECONNREFUSED"`. Never a key or a value. */
  readonly reason: string;

  static {
    Object.defineProperty(CacheStoreError.prototype, "name", { value: "CacheStoreError" });
  }

  constructor(store: string, reason: string) {
    super("CACHE_STORE_FAILED", `the store "${store}" failed: ${reason}`, { retryable: true });
    this.store = store;
    this.reason = reason;
  }
}

/** `CACHE_STORE_PARTIAL`: not every server that had to be reached was; `cause.errors` says why. */
export class CacheStorePartialError extends HeadroomError<"CACHE_STORE_PARTIAL"> {
  readonly store: string;
  /** The names of the servers that were not reached. */
  readonly missed: readonly string[];

  static {
    Object.defineProperty(CacheStorePartialError.prototype, "name", {
      value: "CacheStorePartialError",
    });
  }

  constructor(store: string, missed: readonly string[], errors: readonly unknown[]) {
    super("CACHE_STORE_PARTIAL", `the store "${store}" did not reach ${missed.join(", ")}`, {
      retryable: true,
      cause: new AggregateError(errors),
    });
    this.store = store;
    this.missed = missed;
  }
}

/** `CACHE_PARTITION_GONE`: the bytes are of another partition than the one their key is in now. */
export class CachePartitionError extends HeadroomError<"CACHE_PARTITION_GONE"> {
  readonly store: string;
  readonly partition: number;

  static {
    Object.defineProperty(CachePartitionError.prototype, "name", { value: "CachePartitionError" });
  }

  constructor(store: string, partition: number) {
    super(
      "CACHE_PARTITION_GONE",
      `the store "${store}" has no such key in partition ${partition} now: read its clock of tags again`,
      { retryable: true },
    );
    this.store = store;
    this.partition = partition;
  }
}
