/** The options of `redisDriver`, checked once. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireBoolean,
  requireClock,
  requireFunction,
  requireKnownOptions,
  requirePositive,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { requireKeyPrefix } from "./redis-queue-keys.ts";

export interface RedisDriverOptions {
  /**
   * Before every key and channel, in front of a colon; on top of a `keyPrefix` of the client's own.
   * @default "hrq"
   */
  readonly prefix?: string | undefined;
  /**
   * Every command settles within so many milliseconds, whatever the client does.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Works on a server whose `maxmemory-policy` may delete jobs when its memory is full.
   * @default false
   */
  readonly allowEviction?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** {@link RedisDriverOptions}, checked and complete. */
export interface RedisDriverRules {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly allowEviction: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function redisDriverRules(options: RedisDriverOptions): RedisDriverRules {
  requireKnownOptions("redisDriver", options, [
    "prefix",
    "timeoutMs",
    "allowEviction",
    "clock",
    "random",
  ]);
  return {
    prefix: requireKeyPrefix("prefix", options.prefix ?? "hrq"),
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 5_000),
    allowEviction: requireBoolean("allowEviction", options.allowEviction ?? false),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}
