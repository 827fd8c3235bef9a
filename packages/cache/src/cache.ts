/**
 * A cache of one process: its definitions, its share in the common store, and its ear on the bus.
 *
 * The rules of reading are in `read-through`, those of changing in `writer`. Here the parts are put
 * together, and what comes in from other processes is passed on to them: a key to the definition it
 * belongs to, a tag to the clock of its partition, a gap to every copy there is.
 */

import { randomUUID } from "node:crypto";
import { cacheDegraded } from "@headroom/core/channels";
import { requireFunction, requireText } from "@headroom/core/options";
import { AD_HOC, type AdHocId, type AdHocOptions, adHocRules, readAdHoc } from "./ad-hoc.ts";
import type { BusMessage, CacheBus } from "./bus.ts";
import { keyPrefix, localKeyOf } from "./cache-key.ts";
import { type CacheOptions, type CacheRules, cacheRules } from "./cache-options.ts";
import { CoarseClock } from "./coarse-clock.ts";
import type { Definition, InvalidateOptions } from "./definition.ts";
import { type DefinitionOptions, definitionRules } from "./definition-options.ts";
import { type Degradation, degradationBy } from "./degradation.ts";
import { CacheClosedError } from "./errors.ts";
import type { LoadContext } from "./loading.ts";
import { type CacheParts, type OpenDefinition, openDefinition } from "./open-definition.ts";
import { DONE, type InvalidationOutcome } from "./outcome.ts";
import { PendingInvalidations } from "./pending-invalidations.ts";
import type { DefinitionStats } from "./stats.ts";
import type { CacheStore } from "./store.ts";
import { definitionTag, EVERYTHING, ownTag } from "./tag-names.ts";
import { createOwnTags, TagRegistry } from "./tag-registry.ts";
import { type WrapOptions, type Wrapped, wrapped } from "./wrap.ts";

export interface CacheStats {
  readonly name: string;
  /** By name. */
  readonly definitions: Readonly<Record<string, DefinitionStats>>;
  /** Invalidations that the shared store does not have yet. */
  readonly pendingInvalidations: number;
  /** Whether each change of other processes arrives: `"none"` without a bus. */
  readonly bus: "none" | "synced" | "gap";
}

/** Two tiers, read through. Make one with {@link createCache}. */
export interface Cache extends AsyncDisposable {
  readonly name: string;
  /**
   * A kind of value. Its name is unique in the cache, and the same in all processes.
   * @throws TypeError or RangeError when the name is taken or an option is wrong.
   */
  define<Id, Value>(name: string, options: DefinitionOptions<Id, Value>): Definition<Id, Value>;
  /** Reads what has no definition; `key` is unique in the cache. */
  getOrLoad<Value>(
    key: string,
    load: (context: LoadContext<Value>) => Promise<Value> | Value,
    options?: AdHocOptions<Value>,
  ): Promise<Value>;
  /** Invalidates a key of `getOrLoad`. */
  invalidate(key: string, options?: InvalidateOptions): Promise<InvalidationOutcome>;
  /** Invalidates every value that has one of these tags. O(tags), however many values. */
  invalidateTags(tags: readonly string[]): Promise<InvalidationOutcome>;
  /** Invalidates all values of a definition, or of the cache. O(1): no key is looked for. */
  clear(definition?: string): Promise<InvalidationOutcome>;
  /** `fn`, with its results cached by its arguments, which are strings, numbers or booleans. */
  wrap<Args extends readonly unknown[], Value>(
    name: string,
    fn: (...args: Args) => Promise<Value> | Value,
    options?: WrapOptions<Args, Value>,
  ): Wrapped<Args, Value>;
  stats(): CacheStats;
  /** Tries what is pending a last time, and closes what the cache opened. Reads reject from then on. */
  close(): Promise<void>;
}

/**
 * A cache of two tiers.
 * @throws TypeError or RangeError when an option is unknown or out of its range.
 */
export function createCache(options: CacheOptions = {}): Cache {
  return new TwoTierCache(cacheRules(options));
}

// biome-ignore lint/suspicious/noExplicitAny: definitions of all kinds in one map
type AnyDefinition = OpenDefinition<any, any>;

class TwoTierCache implements Cache {
  readonly #rules: CacheRules;
  readonly #store: CacheStore | undefined;
  readonly #bus: CacheBus | undefined;
  readonly #pending: PendingInvalidations | undefined;
  readonly #registries: readonly [TagRegistry, ...TagRegistry[]];
  readonly #definitions = new Map<string, AnyDefinition>();
  readonly #byPrefix = new Map<string, AnyDefinition>();
  readonly #adHoc: OpenDefinition<AdHocId, unknown>;
  readonly #time: CoarseClock;
  #outage = { broken: false };
  #closing: Promise<void> | undefined;

  constructor(rules: CacheRules) {
    this.#rules = rules;
    const { name: cache, clock, random } = rules;
    this.#time = new CoarseClock(clock);
    const context = { cache, origin: randomUUID(), clock };
    const store = rules.l2?.(context);
    this.#store = store;
    this.#registries = store === undefined ? [createOwnTags()] : registriesOf(store);
    this.#pending =
      store &&
      new PendingInvalidations({
        invalidate: (keys, holdForMs) => store.invalidate(keys, { holdForMs }),
        bump: (tags) => this.#bump(store, tags),
        everything: EVERYTHING,
        most: rules.maxPending,
        clock,
        random,
      });
    this.#adHoc = this.#open(AD_HOC, adHocRules(rules));
    this.#bus = rules.bus?.(context);
    this.#bus?.start({
      message: (partition, message) => this.#receive(partition, message),
      gap: (partition) => this.#gap(partition),
      synced: (partition) => this.#synced(partition),
    });
  }

  get name(): string {
    return this.#rules.name;
  }

  define<Id, Value>(name: string, options: DefinitionOptions<Id, Value>): Definition<Id, Value> {
    this.#requireOpen();
    const where = `cache.define(${JSON.stringify(requireText("name", name))})`;
    if (this.#definitions.has(name)) throw new TypeError(`${where}: this name is taken`);
    return this.#open<Id, Value>(name, definitionRules(where, options, this.#rules)).definition;
  }

  async getOrLoad<Value>(
    key: string,
    load: (context: LoadContext<Value>) => Promise<Value> | Value,
    options: AdHocOptions<Value> = {},
  ): Promise<Value> {
    this.#requireOpen();
    return readAdHoc(this.#adHoc, this.#rules, key, requireFunction("load", load), options);
  }

  invalidate(key: string, options?: InvalidateOptions): Promise<InvalidationOutcome> {
    return this.#adHoc.definition.invalidate({ key }, options);
  }

  async invalidateTags(tags: readonly string[]): Promise<InvalidationOutcome> {
    this.#requireOpen();
    if (!Array.isArray(tags)) throw new TypeError("invalidateTags takes a list of tags");
    return this.#invalidateTags([...new Set(tags.map(ownTag))]);
  }

  async clear(definition?: string): Promise<InvalidationOutcome> {
    this.#requireOpen();
    if (definition === undefined) return this.#invalidateTags([EVERYTHING]);
    if (!this.#definitions.has(definition)) {
      throw new TypeError(`there is no definition "${definition}" in this cache`);
    }
    return this.#invalidateTags([definitionTag(definition)]);
  }

  wrap<Args extends readonly unknown[], Value>(
    name: string,
    fn: (...args: Args) => Promise<Value> | Value,
    options: WrapOptions<Args, Value> = {},
  ): Wrapped<Args, Value> {
    return wrapped(this, name, fn, options);
  }

  stats(): CacheStats {
    const definitions = [...this.#definitions].map(
      ([name, { definition }]) => [name, definition.stats()] as const,
    );
    const synced = this.#registries.every((registry) => registry.trusted);
    return {
      name: this.name,
      definitions: Object.fromEntries(definitions),
      pendingInvalidations: this.#pending?.size ?? 0,
      bus: this.#bus === undefined ? "none" : synced ? "synced" : "gap",
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const allDone = await (this.#pending?.close() ?? true);
    if (!allDone) this.#degraded("invalidation-lost");
    for (const { reads } of this.#definitions.values()) reads.voidAll();
    await this.#bus?.close();
    await this.#store?.close();
  }

  #open<Id, Value>(name: string, rules: Parameters<typeof openDefinition<Id, Value>>[1]) {
    const parts: CacheParts = {
      time: this.#time,
      rules: this.#rules,
      store: this.#store,
      pending: this.#pending,
      registries: this.#registries,
      delivers: (partition) => this.#rules.bus === undefined || this.#registry(partition).trusted,
      outageGuard: () => this.#outage,
      requireOpen: () => this.#requireOpen(),
    };
    const open = openDefinition<Id, Value>(name, rules, parts);
    this.#definitions.set(name, open);
    this.#byPrefix.set(keyPrefix(this.name, name), open);
    return open;
  }

  /** A tag may be on anything: whatever is under way is forgotten, before and after. */
  async #invalidateTags(tags: readonly string[]): Promise<InvalidationOutcome> {
    if (tags.length === 0) return DONE;
    for (const registry of this.#registries) registry.bumping(tags);
    this.#forgetAll();
    try {
      if (this.#store === undefined) {
        const [own] = this.#registries;
        own.bumpDone(tags, own.knownSequence + 1);
      } else await this.#bump(this.#store, tags);
      return DONE;
    } catch (cause) {
      this.#pending?.addTags(tags);
      this.#degraded(degradationBy(cause));
      this.#degraded("invalidation-queued");
      return { status: "queued", cause };
    } finally {
      this.#forgetAll();
    }
  }

  async #bump(store: CacheStore, tags: readonly string[]): Promise<void> {
    const readings = await store.bump(tags);
    for (const { partition, sequence } of readings) {
      this.#registry(partition).bumpDone(tags, sequence);
    }
  }

  #receive(partition: number, message: BusMessage): void {
    if (message.kind === "keys") {
      for (const key of message.keys) this.#voidKey(key);
      return;
    }
    this.#registry(partition).bumped(message.tags, message.sequence);
    this.#forgetAll();
  }

  #voidKey(storeKey: string): void {
    // Names hold no colon when they are part of a key: the prefix ends with the second.
    const end = storeKey.indexOf(":", storeKey.indexOf(":") + 1) + 1;
    const reads = this.#byPrefix.get(storeKey.slice(0, end))?.reads;
    reads?.void(localKeyOf(storeKey.slice(end)));
  }

  #gap(partition: number): void {
    this.#registry(partition).distrust();
    this.#degraded("invalidation-gap");
  }

  #synced(partition: number): void {
    this.#registry(partition).trust();
    // What was kept while the store could not be reached may have been invalidated by others.
    this.#outage.broken = true;
    this.#outage = { broken: false };
    this.#forgetAll();
    if (this.#pending !== undefined && this.#pending.size > 0) void this.#pending.flush();
  }

  #forgetAll(): void {
    for (const { reads } of this.#definitions.values()) reads.forgetAll();
  }

  #registry(partition: number): TagRegistry {
    const registry = this.#registries[partition];
    if (registry === undefined) throw new RangeError(`there is no partition ${partition}`);
    return registry;
  }

  #degraded(reason: Degradation): void {
    const { clock } = this.#rules;
    cacheDegraded.publish(() => ({ cache: this.name, reason, atMs: clock.now() }));
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new CacheClosedError(this.name);
  }
}

function registriesOf(store: CacheStore): [TagRegistry, ...TagRegistry[]] {
  const registry = (partition: number): TagRegistry =>
    new TagRegistry((tags) => store.tags(partition, tags));
  const others = Array.from({ length: store.partitions - 1 }, (_, index) => registry(index + 1));
  return [registry(0), ...others];
}
