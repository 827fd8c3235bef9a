/** What one kind of value is: how it is named, loaded, and how long it is good. */

import type { Clock } from "@headroom/core/clock";
import {
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
  requireRatio,
} from "@headroom/core/options";
import type { Random } from "@headroom/core/random";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { LoadMany } from "./load-batch.ts";
import type { LoadContext } from "./loading.ts";
import type { EvictionPolicy, LocalStoreLimits } from "./local-store.ts";
import { type LocalTierOptions, localTierRules } from "./local-tier-options.ts";
import { type Protection, requireProtection } from "./protect.ts";

/** Options of `cache.define`. One of `load` and `loadMany` is needed; both may be given. */
export interface DefinitionOptions<Id, Value> {
  /**
   * The key of what is to be read: a text that is not empty, different for what is different.
   * @default the id itself, which then must be a string
   */
  readonly key?: ((id: Id) => string) | undefined;
  /** Reads one value from the source. `undefined`: there is no such thing; `null` is a value. */
  readonly load?:
    | ((id: Id, context: LoadContext<Value>) => Promise<Value | undefined> | Value | undefined)
    | undefined;
  /** Reads many at once, as a map by the ids given. What is not in it does not exist. */
  readonly loadMany?:
    | ((
        ids: readonly Id[],
        context: { readonly signal: AbortSignal },
      ) => Promise<ReadonlyMap<Id, Value | Error>> | ReadonlyMap<Id, Value | Error>)
    | undefined;
  /**
   * How long a value is fresh, in milliseconds.
   * @default 60_000
   */
  readonly ttlMs?: number | undefined;
  /**
   * Which part of `ttlMs` chance may take away, from 0 to 1, so that not all expire at once.
   * @default 0.1
   */
  readonly jitter?: number | undefined;
  /**
   * For how long after that it is still served, while it is loaded again behind the reads.
   * @default 0
   */
  readonly staleWhileRevalidateMs?: number | undefined;
  /**
   * For how long after `ttlMs` it is still served when loading fails or hangs.
   * @default 0
   */
  readonly staleIfErrorMs?: number | undefined;
  /**
   * How eagerly a value is loaded again before its end (XFetch's beta): 0 is never, 1 usual.
   * @default 1
   */
  readonly earlyRefresh?: number | undefined;
  /**
   * How long it is remembered that there is no such thing; 0 is not at all.
   * @default 0
   */
  readonly absentTtlMs?: number | undefined;
  /** Tags of a value, by which many are invalidated at once. */
  readonly tags?: ((value: Value) => readonly string[]) | undefined;
  /**
   * Values found in the shared store that do not match are loaded anew; loaded ones that do not
   * match are returned and not stored. It must be synchronous, and accept its own output.
   */
  readonly schema?: StandardSchemaV1<unknown, Value> | undefined;
  /**
   * After this long a load has failed and its signal aborts.
   * @default 30_000
   */
  readonly loadTimeoutMs?: number | undefined;
  /**
   * After this long a stale value is served instead of waiting on, if `staleIfErrorMs` allows it.
   * @default as `loadTimeoutMs`
   */
  readonly softTimeoutMs?: number | undefined;
  /**
   * For how long after a failed load its error is what readers get, without another load.
   * @default 1_000
   */
  readonly errorThrottleMs?: number | undefined;
  /**
   * How long a reader waits for another process that loads the same, before it loads itself.
   * @default 5_000
   */
  readonly waitForLoadMs?: number | undefined;
  /**
   * What keeps one caller's change of a value from the others: `"freeze"` makes it immutable,
   * `"clone"` gives each caller a copy, `"share"` nothing.
   * @default "freeze"; in production (NODE_ENV) "share"
   */
  readonly values?: Protection | undefined;
  /** The tier in the process, or `false` for none. @default as in createCache */
  readonly l1?: LocalTierOptions | false | undefined;
}

/** {@link DefinitionOptions}, checked and complete. */
export interface DefinitionRules<Id> {
  readonly key: ((id: Id) => unknown) | undefined;
  readonly load: ((id: Id, context: LoadContext<never>) => unknown) | undefined;
  readonly loadMany: LoadMany<Id> | undefined;
  readonly tags: ((value: never) => readonly string[]) | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  readonly ttlMs: number;
  readonly jitter: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly earlyRefresh: number;
  readonly absentTtlMs: number;
  readonly loadTimeoutMs: number;
  readonly softTimeoutMs: number;
  readonly errorThrottleMs: number;
  readonly waitForLoadMs: number;
  readonly values: Protection;
  readonly l1: (LocalStoreLimits & { readonly policy: EvictionPolicy }) | false;
}

const KNOWN: readonly (keyof DefinitionOptions<never, never>)[] = [
  "key",
  "load",
  "loadMany",
  "ttlMs",
  "jitter",
  "staleWhileRevalidateMs",
  "staleIfErrorMs",
  "earlyRefresh",
  "absentTtlMs",
  "tags",
  "schema",
  "loadTimeoutMs",
  "softTimeoutMs",
  "errorThrottleMs",
  "waitForLoadMs",
  "values",
  "l1",
];

/** What `createCache` says for all definitions. */
export interface DefinitionDefaults {
  readonly l1: LocalTierOptions | false;
  readonly values: Protection;
}

/** @throws TypeError or RangeError when an option is unknown, missing or out of its range. */
export function definitionRules<Id, Value>(
  where: string,
  options: DefinitionOptions<Id, Value>,
  defaults: DefinitionDefaults,
): DefinitionRules<Id> {
  requireKnownOptions(where, options, KNOWN);
  if (options.load === undefined && options.loadMany === undefined) {
    throw new TypeError(`${where}: load or loadMany must be given`);
  }
  const loadTimeoutMs = requirePositive("loadTimeoutMs", options.loadTimeoutMs ?? 30_000);
  return {
    key: optionalFunction("key", options.key),
    load: optionalFunction("load", options.load),
    loadMany: optionalFunction("loadMany", options.loadMany),
    tags: optionalFunction("tags", options.tags),
    schema: requireSchema(options.schema),
    ttlMs: requirePositive("ttlMs", options.ttlMs ?? 60_000),
    jitter: requireRatio("jitter", options.jitter ?? 0.1),
    staleWhileRevalidateMs: requireNonNegative(
      "staleWhileRevalidateMs",
      options.staleWhileRevalidateMs ?? 0,
    ),
    staleIfErrorMs: requireNonNegative("staleIfErrorMs", options.staleIfErrorMs ?? 0),
    earlyRefresh: requireNonNegative("earlyRefresh", options.earlyRefresh ?? 1),
    absentTtlMs: requireNonNegative("absentTtlMs", options.absentTtlMs ?? 0),
    loadTimeoutMs,
    softTimeoutMs: requirePositive("softTimeoutMs", options.softTimeoutMs ?? loadTimeoutMs),
    errorThrottleMs: requireNonNegative("errorThrottleMs", options.errorThrottleMs ?? 1_000),
    waitForLoadMs: requireNonNegative("waitForLoadMs", options.waitForLoadMs ?? 5_000),
    values: requireProtection("values", options.values ?? defaults.values),
    l1: localTierRules(options.l1 ?? defaults.l1),
  };
}

/** What a read needs of the process, besides a definition's own rules. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
}

function optionalFunction<Fn extends (...parameters: never[]) => unknown>(
  name: string,
  fn: Fn | undefined,
): Fn | undefined {
  return fn === undefined ? undefined : requireFunction(name, fn);
}

function requireSchema(schema: StandardSchemaV1 | undefined): StandardSchemaV1 | undefined {
  if (schema === undefined || typeof schema?.["~standard"]?.validate === "function") return schema;
  throw new TypeError("schema must be a Standard Schema (zod, valibot, arktype)");
}
