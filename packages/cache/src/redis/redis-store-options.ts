/** The options of `redisStore`, checked once. */

import { CircuitBreaker } from "@headroom/core/circuit-breaker";
import { requireKnownOptions, requirePositive } from "@headroom/core/options";
import type { StoreCircuitOptions } from "../operation-guard.ts";
import { requireKeyPrefix } from "./redis-keys.ts";

export interface RedisStoreOptions {
  /**
   * Every operation settles within so many milliseconds, whatever the client does.
   * @default 50
   */
  readonly timeoutMs?: number | undefined;
  /**
   * When the server is left alone, and for how long; in a Cluster each master by itself.
   * @default five failures in a row or every second call, for 1 s at first and 30 s at most
   */
  readonly circuit?: StoreCircuitOptions | undefined;
  /**
   * Before every key and channel, in front of a colon; on top of a `keyPrefix` of the client's own.
   * The bus has to be given the same.
   * @default "hr"
   */
  readonly keyPrefix?: string | undefined;
  /**
   * How long it is remembered that a tag was invalidated, in milliseconds. Entries that live longer
   * than this may be taken for changed before their time.
   * @default 604_800_000 (7 days)
   */
  readonly rememberTagsMs?: number | undefined;
}

/** {@link RedisStoreOptions}, checked and complete. */
export interface RedisStoreRules {
  readonly timeoutMs: number;
  readonly circuit: StoreCircuitOptions;
  readonly keyPrefix: string;
  readonly rememberTagsMs: number;
}

export const DEFAULT_KEY_PREFIX = "hr";
const WEEK_MS = 7 * 24 * 3_600_000;

export const KNOWN_STORE_OPTIONS: readonly (keyof RedisStoreOptions)[] = [
  "timeoutMs",
  "circuit",
  "keyPrefix",
  "rememberTagsMs",
];

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function redisStoreRules(options: RedisStoreOptions): RedisStoreRules {
  requireKnownOptions("redisStore", options, KNOWN_STORE_OPTIONS);
  const { circuit = {} } = options;
  requireKnownOptions("redisStore circuit", circuit, KNOWN_CIRCUIT_OPTIONS);
  // It checks them; each server gets a circuit of its own when the cache is created.
  new CircuitBreaker({ ...circuit, name: "redis" });
  return {
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 50),
    circuit,
    keyPrefix: requireKeyPrefix("keyPrefix", options.keyPrefix ?? DEFAULT_KEY_PREFIX),
    rememberTagsMs: requirePositive("rememberTagsMs", options.rememberTagsMs ?? WEEK_MS),
  };
}

const KNOWN_CIRCUIT_OPTIONS: readonly (keyof StoreCircuitOptions)[] = [
  "consecutiveFailures",
  "minSuccessRate",
  "windowMs",
  "minRequests",
  "backoff",
  "probeTimeoutMs",
  "onStateChange",
  "random",
];
