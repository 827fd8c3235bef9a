/** Puts the parts of one definition together: its copies, its source, its way to the store. */

import { randomBytes } from "node:crypto";
import { cacheDegraded } from "@headroom/core/channels";
import { AnswerLog } from "./answer-log.ts";
import { keyPrefix } from "./cache-key.ts";
import type { CacheRules } from "./cache-options.ts";
import type { CoarseClock } from "./coarse-clock.ts";
import { Copies } from "./copies.ts";
import { CacheDefinition } from "./definition.ts";
import type { DefinitionRules } from "./definition-options.ts";
import { type Degradation, degradationBy } from "./degradation.ts";
import { Holds } from "./holds.ts";
import type { LocalEntry } from "./local-entry.ts";
import type { LocalStore } from "./local-store.ts";
import { createLocalStore } from "./local-store-by-policy.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import { protectionOf } from "./protect.ts";
import type { ReadRules } from "./read-rules.ts";
import { ReadThrough } from "./read-through.ts";
import { Retrieval } from "./retrieval.ts";
import { matches } from "./schema.ts";
import { SharedTier } from "./shared-tier.ts";
import { sizeOf } from "./size-of.ts";
import { Source } from "./source.ts";
import { type Counters, createCounters, type DefinitionStats } from "./stats.ts";
import type { CacheStore } from "./store.ts";
import { definitionTag, EVERYTHING, ownTag } from "./tag-names.ts";
import type { Guard, TagRegistry } from "./tag-registry.ts";
import { Writer } from "./writer.ts";

/** What all definitions of a cache have in common. */
export interface CacheParts {
  /** One for the whole cache: it sets a timer. */
  readonly time: CoarseClock;
  readonly rules: CacheRules;
  readonly store: CacheStore | undefined;
  readonly pending: PendingInvalidations | undefined;
  /** By partition; without a store there is one, the process's own. */
  readonly registries: readonly [TagRegistry, ...TagRegistry[]];
  /** Whether each invalidation of this partition arrives. */
  readonly delivers: (partition: number) => boolean;
  readonly outageGuard: () => Guard;
  /** @throws CacheClosedError */
  readonly requireOpen: () => void;
}

export interface OpenDefinition<Id, Value> {
  readonly definition: CacheDefinition<Id, Value>;
  readonly reads: ReadThrough;
  readonly writer: Writer;
  /** The rules of one read, where they are not those of the definition. */
  readonly rulesOf: (rules: DefinitionRules<Id>) => ReadRules;
}

export function openDefinition<Id, Value>(
  name: string,
  rules: DefinitionRules<Id>,
  cache: CacheParts,
): OpenDefinition<Id, Value> {
  const { rules: common, registries } = cache;
  const counters = createCounters();
  const degraded = (reason: Degradation): void => {
    cacheDegraded.publish(() => ({ cache: name, reason, atMs: common.clock.now() }));
  };
  const local =
    rules.l1 === false ? NO_STORE : createLocalStore<LocalEntry>(rules.l1.policy, rules.l1);
  const copies = new Copies({
    store: local,
    delivers: cache.delivers,
    outageGuard: cache.outageGuard,
    tags: registries[0],
  });
  const source = new Source(name, rules.errorThrottleMs, counters);
  const shared = sharedTier(rules, cache, counters, degraded);
  const ownTags = registries[0];
  const { time } = cache;
  const log = new AnswerLog(counters, degraded);
  const retrieval = new Retrieval({ copies, source, shared, ownTags, log, degraded, counters });
  const reads = new ReadThrough({ time, copies, source, retrieval, log, counters });
  const holds = new Holds(common.clock);
  const { pending, requireOpen } = cache;
  const writer = new Writer({ reads, copies, shared, pending, holds, ownTags, degraded });
  const protection = protectionOf(rules.values);
  const implicit = [EVERYTHING, definitionTag(name)];
  const rulesOf = (own: DefinitionRules<Id>): ReadRules => ({
    ...own,
    clock: common.clock,
    random: common.random,
    outageTtlMs: common.outageTtlMs,
    tagsOf: (value, added) => {
      const tags = value === undefined || value === null ? [] : (own.tags?.(value as never) ?? []);
      return [...new Set([...implicit, ...tags.map(ownTag), ...added.map(ownTag)])];
    },
    protect: protection.keep,
    sizeOf: (value) =>
      rules.l1 === false || rules.l1.maxBytes === Number.POSITIVE_INFINITY ? 1 : sizeOf(value),
    onHold: (key) => holds.has(key),
  });
  const definition = new CacheDefinition<Id, Value>({
    name,
    prefix: keyPrefix(common.name, name),
    rules,
    readRules: rulesOf(rules),
    reads,
    writer,
    clone: rules.values === "clone" ? protection.give : undefined,
    stats: () => statsOf(counters, local),
    requireOpen,
  });
  return { definition, reads, writer, rulesOf };
}

function sharedTier(
  { schema }: Pick<DefinitionRules<never>, "schema">,
  { store, pending, registries, rules }: CacheParts,
  counters: Counters,
  degraded: (reason: Degradation) => void,
): SharedTier | undefined {
  if (store === undefined || pending === undefined) return undefined;
  const { format } = rules;
  return new SharedTier({
    store,
    pending,
    registries,
    leaseMs: rules.leaseMs,
    token: () => randomBytes(12).toString("base64url"),
    format: {
      encode: (key, entry) => format.encode(key, entry),
      decode: (key, bytes) => {
        const entry = format.decode(key, bytes);
        return entry !== undefined && matches(schema, entry.value) ? entry : undefined;
      },
    },
    undecodable: () => {
      counters.undecodable++;
      degraded("value-undecodable");
    },
    failed: (cause) => degraded(degradationBy(cause)),
  });
}

function statsOf(counters: Counters, local: LocalStore<LocalEntry>): DefinitionStats {
  return { ...counters, evictions: local.evictions, entries: local.size, bytes: local.bytes };
}

/** `l1: false`. */
const NO_STORE: LocalStore<LocalEntry> = {
  get: () => undefined,
  peek: () => undefined,
  set: () => {},
  delete: () => false,
  clear: () => {},
  size: 0,
  bytes: 0,
  evictions: 0,
};
