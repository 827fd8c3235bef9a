/** What `createCache` takes. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
  requireText,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import type { BusProvider } from "./bus.ts";
import type { LocalTierOptions } from "./local-tier-options.ts";
import { type Protection, requireProtection } from "./protect.ts";
import type { StoreProvider } from "./store.ts";
import { createValueFormat, type ValueFormat, type ValueFormatOptions } from "./value-format.ts";

export interface CacheOptions {
  /**
   * Processes of one name share what is in `l2`; different caches in one Redis have different names.
   * @default "default"
   */
  readonly name?: string | undefined;
  /**
   * The tier in the process, for each definition; `false` for none.
   * @default { policy: "lru", maxEntries: 10_000, maxBytes: 64 MiB }
   */
  readonly l1?: LocalTierOptions | false | undefined;
  /** The tier that all processes share: `redisStore(client)`. @default none */
  readonly l2?: StoreProvider | undefined;
  /**
   * Tells the other processes what has changed: `redisBus(client)`. Without it their copies live
   * until their time is over.
   * @default none
   */
  readonly bus?: BusProvider | undefined;
  /** How values become bytes in `l2`: codec, compression, encryption, size limit. */
  readonly format?: ValueFormatOptions | undefined;
  /** As in `define`, for all definitions. */
  readonly values?: Protection | undefined;
  /**
   * A lease is renewed while its load goes on; this long after a crash another process may load.
   * @default 3_000
   */
  readonly leaseMs?: number | undefined;
  /**
   * How long a copy is good that was loaded while `l2` could not be reached, when nobody could tell
   * that it has changed.
   * @default 2_000
   */
  readonly outageTtlMs?: number | undefined;
  /**
   * How many invalidations are kept while `l2` cannot be reached; more become one, of everything.
   * @default 10_000
   */
  readonly maxPending?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** {@link CacheOptions}, checked and complete. */
export interface CacheRules {
  readonly name: string;
  readonly l1: LocalTierOptions | false;
  readonly l2: StoreProvider | undefined;
  readonly bus: BusProvider | undefined;
  readonly format: ValueFormat;
  readonly values: Protection;
  readonly leaseMs: number;
  readonly outageTtlMs: number;
  readonly maxPending: number;
  readonly clock: Clock;
  readonly random: Random;
}

const KNOWN: readonly (keyof CacheOptions)[] = [
  "name",
  "l1",
  "l2",
  "bus",
  "format",
  "values",
  "leaseMs",
  "outageTtlMs",
  "maxPending",
  "clock",
  "random",
];

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function cacheRules(options: CacheOptions): CacheRules {
  requireKnownOptions("createCache", options, KNOWN);
  const { l2, bus } = options;
  if (bus !== undefined && l2 === undefined) {
    throw new TypeError("bus needs l2: it tells what has changed in the shared store");
  }
  const isProduction = process.env["NODE_ENV"] === "production";
  return {
    name: requireText("name", options.name ?? "default"),
    l1: options.l1 ?? {},
    l2: l2 && requireFunction("l2", l2),
    bus: bus && requireFunction("bus", bus),
    format: createValueFormat(options.format),
    values: requireProtection("values", options.values ?? (isProduction ? "share" : "freeze")),
    leaseMs: requirePositive("leaseMs", options.leaseMs ?? 3_000),
    outageTtlMs: requireNonNegative("outageTtlMs", options.outageTtlMs ?? 2_000),
    maxPending: requireCount("maxPending", options.maxPending ?? 10_000),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}
