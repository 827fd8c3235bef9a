/** Reads without a definition: what is loaded and how long it is good comes with the call. */

import { cacheGet } from "@headroom/core/channels";
import { requireKnownOptions, requireSignal } from "@headroom/core/options";
import { keyPrefix, localKey, requireKey, storedKey } from "./cache-key.ts";
import type { CacheRules } from "./cache-options.ts";
import type { GetOptions } from "./definition.ts";
import {
  type DefinitionOptions,
  type DefinitionRules,
  definitionRules,
} from "./definition-options.ts";
import type { LoadContext } from "./loading.ts";
import type { OpenDefinition } from "./open-definition.ts";
import { protectionOf } from "./protect.ts";

/** The name of what `getOrLoad` reads, in telemetry and statistics. */
export const AD_HOC = "ad-hoc";

/** Options of `getOrLoad`; meanings and defaults as in `define`. */
export interface AdHocOptions<Value>
  extends GetOptions,
    Pick<DefinitionOptions<string, Value>, (typeof RULES)[number]> {}

/** What `getOrLoad` calls a value by. */
export interface AdHocId {
  readonly key: string;
}

const RULES = [
  "ttlMs",
  "jitter",
  "staleWhileRevalidateMs",
  "staleIfErrorMs",
  "earlyRefresh",
  "absentTtlMs",
  "tags",
  "loadTimeoutMs",
  "softTimeoutMs",
  "waitForLoadMs",
] as const;

/** The definition behind all calls of `getOrLoad`. */
export function adHocRules(rules: CacheRules): DefinitionRules<AdHocId> {
  return definitionRules<AdHocId, unknown>(
    "getOrLoad",
    { key: ({ key }) => key, load: () => undefined },
    rules,
  );
}

/** A copy answers without a look at the options: they say how to load. */
export function readAdHoc<Value>(
  { definition, reads, rulesOf }: OpenDefinition<AdHocId, unknown>,
  rules: CacheRules,
  key: string,
  load: (context: LoadContext<Value>) => Promise<Value> | Value,
  options: AdHocOptions<Value>,
): Promise<Value> {
  requireKey(AD_HOC, key);
  const given = (promise: Promise<unknown>): Promise<Value> =>
    (rules.values === "clone"
      ? promise.then(protectionOf("clone").give)
      : promise) as Promise<Value>;
  if (!cacheGet.hasSubscribers) {
    const hit = reads.hit(localKey(key));
    if (hit !== undefined) return given(hit);
  }
  requireKnownOptions("getOrLoad", options, [...RULES, "signal"]);
  const { signal, ...own } = options;
  const call = {
    key: localKey(key),
    storeKey: keyPrefix(rules.name, AD_HOC) + storedKey(key),
    rules: rulesOf(
      definitionRules<AdHocId, Value>("getOrLoad", { ...own, load: () => undefined }, rules),
    ),
    load: load as (context: never) => unknown,
  };
  return given(
    cacheGet.trace(
      () => ({ cache: definition.name }),
      (answer) => reads.read(call, requireSignal("signal", signal), answer),
    ),
  );
}
