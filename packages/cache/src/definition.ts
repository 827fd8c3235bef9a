/**
 * One kind of value in a cache, by its own identities: `users.get("42")`.
 *
 * Here identities become keys, calls become reads, and writes and invalidations are made in the
 * order that keeps the invariant of `read-through`: the process forgets, the store is told, the
 * process forgets again.
 */

import { cacheGet } from "@headroom/core/channels";
import { requireKnownOptions, requireNonNegative, requireSignal } from "@headroom/core/options";
import { localKey, requireKey, storedKey } from "./cache-key.ts";
import type { DefinitionRules } from "./definition-options.ts";
import { CacheManyError } from "./errors.ts";
import { type BatchMember, LoadBatch } from "./load-batch.ts";
import type { Loading } from "./loading.ts";
import type { InvalidationOutcome } from "./outcome.ts";
import type { ReadRules } from "./read-rules.ts";
import type { ReadThrough } from "./read-through.ts";
import type { Call } from "./source.ts";
import type { DefinitionStats } from "./stats.ts";
import type { Writer } from "./writer.ts";

export interface GetOptions {
  /** Ends this caller's wait, with `signal.reason`; the load goes on while others wait for it. */
  readonly signal?: AbortSignal | undefined;
}

export interface SetOptions {
  /** @default that of the definition */
  readonly ttlMs?: number | undefined;
  /** Besides those of the definition. */
  readonly tags?: readonly string[] | undefined;
}

export interface InvalidateOptions {
  /**
   * For so long, in milliseconds, what is loaded under this key is not stored: until the replica
   * that loaders read has caught up with the change.
   * @default 0
   */
  readonly holdForMs?: number | undefined;
}

/** A kind of value: made by `cache.define`. `Id` is what the application calls it by. */
export interface Definition<Id, Value> {
  readonly name: string;
  /**
   * The value; loaded if it is nowhere. `undefined`: there is no such thing.
   * @throws what the loader throws; CacheLoadTimeoutError; `signal.reason`; CacheClosedError.
   */
  get(id: Id, options?: GetOptions): Promise<Value | undefined>;
  /** The value if this process has it and it is fresh. Asks nobody, and starts nothing. */
  peek(id: Id): Value | undefined;
  /**
   * Those that exist, by id. One step to the store for all, and one call of `loadMany`.
   * @throws CacheManyError with `values` and `errors` by id, when some could not be loaded.
   */
  getMany(ids: readonly Id[], options?: GetOptions): Promise<Map<Id, Value>>;
  /**
   * Puts a value where all processes find it.
   * @throws CacheValueError, CacheValueTooLargeError: it cannot be stored, and nothing is.
   */
  set(id: Id, value: Value, options?: SetOptions): Promise<InvalidationOutcome>;
  /** No read from now on gets what was loaded before now. Call it after the change is committed. */
  invalidate(id: Id, options?: InvalidateOptions): Promise<InvalidationOutcome>;
  /** `invalidate` for many, in one step. */
  invalidateMany(ids: readonly Id[], options?: InvalidateOptions): Promise<InvalidationOutcome>;
  /** Loads the value again now, whatever there is. */
  refresh(id: Id): Promise<Value | undefined>;
  stats(): DefinitionStats;
}

export interface DefinitionParts<Id> {
  readonly name: string;
  /** The beginning of its keys in the store. */
  readonly prefix: string;
  readonly rules: DefinitionRules<Id>;
  readonly readRules: ReadRules;
  readonly reads: ReadThrough;
  readonly writer: Writer;
  readonly clone: ((value: unknown) => unknown) | undefined;
  readonly stats: () => DefinitionStats;
  /** @throws CacheClosedError */
  readonly requireOpen: () => void;
}

export class CacheDefinition<Id, Value> implements Definition<Id, Value> {
  readonly #parts: DefinitionParts<Id>;
  readonly #reads: ReadThrough;
  readonly #clone: ((value: unknown) => unknown) | undefined;
  readonly #keyOf: ((id: Id) => unknown) | undefined;

  constructor(parts: DefinitionParts<Id>) {
    this.#parts = parts;
    this.#reads = parts.reads;
    this.#clone = parts.clone;
    this.#keyOf = parts.rules.key;
  }

  get name(): string {
    return this.#parts.name;
  }

  get(id: Id, options?: GetOptions): Promise<Value | undefined> {
    let key: string;
    try {
      key = this.#key(id);
      if (options !== undefined) requireKnownOptions("get", options, ["signal"]);
    } catch (reason) {
      return Promise.reject(reason);
    }
    if (!cacheGet.hasSubscribers) {
      const hit = this.#reads.hit(localKey(key));
      if (hit !== undefined) return this.#given(hit);
    }
    return this.#read(this.#call(id, key), options?.signal);
  }

  peek(id: Id): Value | undefined {
    const value = this.#reads.peek(localKey(this.#key(id)));
    return (this.#clone === undefined ? value : this.#clone(value)) as Value | undefined;
  }

  async getMany(ids: readonly Id[], options: GetOptions = {}): Promise<Map<Id, Value>> {
    requireKnownOptions("getMany", options, ["signal"]);
    const { loadMany } = this.#parts.rules;
    const batch = loadMany && new LoadBatch(loadMany);
    const calls = new Map<string, { readonly ids: Id[]; readonly call: Call }>();
    for (const id of ids) {
      const key = this.#key(id);
      const known = calls.get(key);
      if (known === undefined)
        calls.set(key, { ids: [id], call: this.#call(id, key, batch?.member(id)) });
      else known.ids.push(id);
    }
    const reads = [...calls.values()].map(({ call }) => this.#read(call, options.signal));
    const settled = await Promise.allSettled(reads);
    const values = new Map<Id, Value>();
    const errors = new Map<Id, unknown>();
    [...calls.values()].forEach(({ ids: same }, index) => {
      const result = settled[index];
      for (const id of same) {
        if (result?.status === "rejected") errors.set(id, result.reason);
        else if (result?.value !== undefined) values.set(id, result.value);
      }
    });
    options.signal?.throwIfAborted();
    if (errors.size > 0) throw new CacheManyError(this.name, values, errors);
    return values;
  }

  async set(id: Id, value: Value, options: SetOptions = {}): Promise<InvalidationOutcome> {
    requireKnownOptions("set", options, ["ttlMs", "tags"]);
    if (value === undefined) {
      throw new TypeError(`a value of "${this.name}" cannot be undefined: invalidate removes one`);
    }
    const { key, storeKey, rules } = this.#call(id, this.#key(id));
    const { ttlMs = rules.ttlMs, tags = [] } = options;
    requireNonNegative("ttlMs", ttlMs);
    return this.#parts.writer.write({ key, storeKey, rules, value, ttlMs, tags });
  }

  invalidate(id: Id, options?: InvalidateOptions): Promise<InvalidationOutcome> {
    return this.invalidateMany([id], options);
  }

  async invalidateMany(
    ids: readonly Id[],
    options: InvalidateOptions = {},
  ): Promise<InvalidationOutcome> {
    requireKnownOptions("invalidate", options, ["holdForMs"]);
    const holdForMs = requireNonNegative("holdForMs", options.holdForMs ?? 0);
    const keys = [...new Set(ids.map((id) => this.#key(id)))];
    return this.#parts.writer.invalidate(
      keys.map(localKey),
      keys.map((key) => this.#storeKey(key)),
      holdForMs,
    );
  }

  async refresh(id: Id): Promise<Value | undefined> {
    return this.#given(this.#reads.refresh(this.#call(id, this.#key(id))));
  }

  stats(): DefinitionStats {
    return this.#parts.stats();
  }

  #read(call: Call, signal: AbortSignal | undefined): Promise<Value | undefined> {
    const reading = cacheGet.trace(
      () => ({ cache: this.name }),
      (answer) => this.#reads.read(call, requireSignal("signal", signal), answer),
    );
    return this.#given(reading);
  }

  #given(promise: Promise<unknown>): Promise<Value | undefined> {
    const clone = this.#clone;
    const given = clone === undefined ? promise : promise.then(clone);
    return given as Promise<Value | undefined>;
  }

  #key(id: Id): string {
    this.#parts.requireOpen();
    return requireKey(this.name, this.#keyOf === undefined ? id : this.#keyOf(id));
  }

  #storeKey(key: string): string {
    return this.#parts.prefix + storedKey(key);
  }

  #call(id: Id, key: string, member?: BatchMember): Call {
    return {
      key: localKey(key),
      storeKey: this.#storeKey(key),
      rules: this.#parts.readRules,
      load: member === undefined ? (context) => this.#load(id, context) : member.load,
      leave: member?.leave,
    };
  }

  #load(id: Id, context: Loading): unknown {
    const { load, loadMany } = this.#parts.rules;
    if (load !== undefined) return load(id, context as never);
    if (loadMany === undefined) throw new TypeError(`"${this.name}" has no loader`);
    return new LoadBatch(loadMany).member(id).load(context);
  }
}
