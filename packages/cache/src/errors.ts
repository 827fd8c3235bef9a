/** What the cache throws of its own. What a loader throws goes to the caller as it is. */

import { HeadroomError } from "@headroom/core/errors";

/** `CACHE_LOAD_TIMEOUT`: the loader did not answer in time; its signal has aborted. */
export class CacheLoadTimeoutError extends HeadroomError<"CACHE_LOAD_TIMEOUT"> {
  /** The name of the definition. */
  readonly cache: string;
  readonly timeoutMs: number;

  static {
    Object.defineProperty(CacheLoadTimeoutError.prototype, "name", {
      value: "CacheLoadTimeoutError",
    });
  }

  constructor(cache: string, timeoutMs: number) {
    super(
      "CACHE_LOAD_TIMEOUT",
      `loading a value of "${cache}" did not finish within ${timeoutMs} ms: pass ctx.signal on to what the loader waits for`,
      { retryable: true },
    );
    this.cache = cache;
    this.timeoutMs = timeoutMs;
  }
}

/** `CACHE_VALUE_UNSUPPORTED`: the codec could not give this value back as it is. */
export class CacheValueError extends HeadroomError<"CACHE_VALUE_UNSUPPORTED"> {
  static {
    Object.defineProperty(CacheValueError.prototype, "name", { value: "CacheValueError" });
  }

  /** @param what what cannot be kept, and where in the value: `"a function at .user.save"`. */
  constructor(what: string) {
    super("CACHE_VALUE_UNSUPPORTED", `a cached value cannot keep ${what}: store plain data`);
  }
}

/** `CACHE_VALUE_TOO_LARGE`: encoded, the value has more bytes than `maxValueBytes`. */
export class CacheValueTooLargeError extends HeadroomError<"CACHE_VALUE_TOO_LARGE"> {
  readonly bytes: number;
  readonly maxValueBytes: number;

  static {
    Object.defineProperty(CacheValueTooLargeError.prototype, "name", {
      value: "CacheValueTooLargeError",
    });
  }

  constructor(bytes: number, maxValueBytes: number) {
    super(
      "CACHE_VALUE_TOO_LARGE",
      `a value of ${bytes} bytes is over maxValueBytes (${maxValueBytes}): cache parts of it, or raise the limit`,
    );
    this.bytes = bytes;
    this.maxValueBytes = maxValueBytes;
  }
}

/** `CACHE_STORE_TIMEOUT`: the shared store did not answer in time. */
export class CacheStoreTimeoutError extends HeadroomError<"CACHE_STORE_TIMEOUT"> {
  /** The store's name: `"redis"`. */
  readonly store: string;
  readonly timeoutMs: number;

  static {
    Object.defineProperty(CacheStoreTimeoutError.prototype, "name", {
      value: "CacheStoreTimeoutError",
    });
  }

  constructor(store: string, timeoutMs: number) {
    super("CACHE_STORE_TIMEOUT", `the store "${store}" did not answer within ${timeoutMs} ms`, {
      retryable: true,
    });
    this.store = store;
    this.timeoutMs = timeoutMs;
  }
}

/** `CACHE_CLOSED`: the cache was closed before. */
export class CacheClosedError extends HeadroomError<"CACHE_CLOSED"> {
  static {
    Object.defineProperty(CacheClosedError.prototype, "name", { value: "CacheClosedError" });
  }

  constructor(cache: string) {
    super("CACHE_CLOSED", `the cache "${cache}" is closed`);
  }
}

/** `CACHE_LOAD_FAILED`: some of many values could not be loaded. */
export class CacheManyError extends HeadroomError<"CACHE_LOAD_FAILED"> {
  /** The name of the definition. */
  readonly cache: string;

  static {
    Object.defineProperty(CacheManyError.prototype, "name", { value: "CacheManyError" });
  }

  /** What was found or loaded, by id. */
  declare readonly values: ReadonlyMap<unknown, unknown>;
  /** Why the others were not, by id. */
  declare readonly errors: ReadonlyMap<unknown, unknown>;

  constructor(
    cache: string,
    values: ReadonlyMap<unknown, unknown>,
    errors: ReadonlyMap<unknown, unknown>,
  ) {
    super(
      "CACHE_LOAD_FAILED",
      `${errors.size} of ${errors.size + values.size} values of "${cache}" could not be loaded: see errors, by id`,
      { cause: errors.values().next().value },
    );
    this.cache = cache;
    // Not enumerable: they hold the application's data, which has no place in a log.
    Object.defineProperties(this, { values: { value: values }, errors: { value: errors } });
  }
}
