/**
 * What one flight does: looks into the store, loads if nothing is there, and puts what it found where
 * others find it.
 *
 * The order of steps is that of the essay in `read-through`. Nothing here is kept unless its lease
 * was still valid and its flight has not been forgotten.
 */

import type { Answer, AnswerLog } from "./answer-log.ts";
import type { Copies } from "./copies.ts";
import { type Degradation, degradationBy } from "./degradation.ts";
import type { Flight } from "./flight.ts";
import { keptFor } from "./freshness.ts";
import { LeaseRenewal } from "./lease-renewal.ts";
import type { Loaded } from "./loading.ts";
import type { CacheEntry, LocalEntry } from "./local-entry.ts";
import type { Found, SharedTier, Sought } from "./shared-tier.ts";
import { type Call, entryOf, mayServe, type Source } from "./source.ts";
import type { Counters } from "./stats.ts";
import type { Guard, TagRegistry } from "./tag-registry.ts";

export interface RetrievalOptions {
  readonly copies: Copies;
  readonly source: Source;
  /** Undefined: there is no shared store. */
  readonly shared: SharedTier | undefined;
  /** The tags of the process alone, for when there is no shared store. */
  readonly ownTags: TagRegistry;
  readonly log: AnswerLog;
  readonly degraded: (reason: Degradation) => void;
  readonly counters: Counters;
}

/** One read of the store and the source, for all who wait for one key. */
export interface Read {
  readonly flight: Flight;
  readonly call: Call;
  /** What may be served if all else fails, and what a conditional load is compared with. */
  readonly stale: LocalEntry | undefined;
  readonly answer: Answer | undefined;
}

type Granted = Extract<Sought, { kind: "granted" }>;

/** How long to wait before asking again who loads, in milliseconds: first and last. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;
/** When another process refreshes already, this one asks again after so long. */
const QUIET_MS = 100;

export class Retrieval {
  readonly #options: RetrievalOptions;
  /** How likely the store has what is asked for, from 0 to 7. Below 4 the lease is asked for at once. */
  #likely = 4;

  constructor(options: RetrievalOptions) {
    this.#options = options;
  }

  async refreshBehind(read: Read, copy: LocalEntry): Promise<unknown> {
    const { rules, storeKey } = read.call;
    const { shared } = this.#options;
    // One refresh for the fleet: another process may have put a newer one there.
    const found = await shared?.find(storeKey);
    if (found !== undefined && found.entry.storedAtMs > copy.entry.storedAtMs) {
      return this.#keep(read, found.entry, found.guards, found).value;
    }
    copy.quietUntilMs = rules.clock.monotonicNow() + QUIET_MS;
    return this.load(read, false);
  }

  async seek(read: Read): Promise<unknown> {
    const { shared } = this.#options;
    if (shared === undefined) return this.#orStale(read, this.#loadAlone(read));
    const sought = await shared.seek(read.call.storeKey, this.#likely < 4);
    if (sought.kind === "found") {
      this.#likely = Math.min(7, this.#likely + 1);
      return this.#found(read, sought);
    }
    this.#likely = Math.max(0, this.#likely - 1);
    return this.#orStale(read, this.#byLease(read, sought, false));
  }

  /** The value at once when it is fresh, else the promise of one. */
  #found(read: Read, found: Found): unknown {
    const copy = this.#keep(read, found.entry, found.guards, found);
    const nowMs = read.call.rules.clock.monotonicNow();
    if (nowMs < copy.staleUntilMs) {
      const isFresh = nowMs < copy.freshUntilMs;
      this.#options.log.note(isFresh ? "hit" : "stale", "l2", read.answer);
      if (isFresh) return copy.value;
      read.flight.keepFlying().answer(copy.value);
    }
    return this.load({ ...read, stale: copy }, false);
  }

  /** Loads although the store has something. @param anew also when another process does so already. */
  load(read: Read, anew: boolean): Promise<unknown> {
    const { shared } = this.#options;
    const load = async (): Promise<unknown> =>
      shared === undefined
        ? this.#loadAlone(read)
        : this.#byLease(read, await shared.seekLease(read.call.storeKey), anew);
    return this.#orStale(read, load());
  }

  async #byLease(read: Read, sought: Sought, anew: boolean): Promise<unknown> {
    switch (sought.kind) {
      case "found":
        return this.#found(read, sought);
      case "granted":
        return this.#loadAndFill(read, sought);
      case "held":
        return this.#whileAnotherLoads(read, anew);
      default:
        return this.#loadAlone(read, sought.kind);
    }
  }

  /**
   * Asks again for a while. Those who may have a stale value need not wait for that.
   */
  async #whileAnotherLoads(read: Read, anew: boolean): Promise<unknown> {
    const { call, flight, stale } = read;
    const { clock, waitForLoadMs } = call.rules;
    call.leave?.();
    if (!flight.answered) {
      if (stale !== undefined && clock.monotonicNow() < stale.staleUntilMs && flight.current) {
        flight.keepFlying().answer(this.#stale(read, stale));
      } else this.#options.counters.waits++;
    }
    let delayMs = FIRST_WAIT_MS;
    for (let waitedMs = 0; waitedMs < waitForLoadMs; waitedMs += delayMs) {
      await clock.sleep(delayMs);
      delayMs = Math.min(LONGEST_WAIT_MS, delayMs * 2);
      const sought = await this.#again(read, anew);
      if (sought.kind !== "held") return this.#byLease(read, sought, anew);
    }
    return flight.answered ? undefined : this.#loadAlone(read);
  }

  async #again({ call, stale }: Read, anew: boolean): Promise<Sought> {
    const shared = this.#shared();
    if (anew) return shared.seekLease(call.storeKey);
    if (stale === undefined) return shared.seek(call.storeKey, true);
    // The store has the old value until the new one is there.
    const found = await shared.find(call.storeKey);
    const isNewer = found !== undefined && found.entry.storedAtMs > stale.entry.storedAtMs;
    return isNewer ? found : { kind: "held" };
  }

  async #loadAndFill(read: Read, granted: Granted): Promise<unknown> {
    const shared = this.#shared();
    const { call } = read;
    const { partition, token } = granted;
    let kept: readonly [CacheEntry, Uint8Array] | undefined;
    let loaded: Loaded;
    const renewal = new LeaseRenewal(shared, call.storeKey, token, call.rules.clock);
    try {
      const sequence = await shared.sequence(partition);
      loaded = await this.#options.source.load(read.flight, call, read.stale, false);
      kept = this.#encoded(call, this.#entryOf(loaded, sequence, call));
    } finally {
      renewal.stop();
      if (kept === undefined) void shared.release(call.storeKey, token);
    }
    this.#options.log.note("miss", undefined, read.answer);
    if (kept !== undefined) await this.#fill(read, granted, ...kept);
    return loaded.value;
  }

  async #fill(
    read: Read,
    { partition, token }: Granted,
    entry: CacheEntry,
    bytes: Uint8Array,
  ): Promise<void> {
    const shared = this.#shared();
    const { flight, call } = read;
    const [accepted, guards] = await Promise.all([
      shared.fill(call.storeKey, token, bytes, keptFor(call.rules, entry.freshForMs)),
      shared.guards(partition, entry),
    ]);
    if (accepted === false) {
      this.#options.counters.fillsRefused++;
      this.#options.degraded("fill-refused");
    } else if (accepted === undefined) {
      this.#options.copies.keepInOutage(flight, entry, call.rules);
    } else if (guards !== undefined) {
      this.#keep(read, entry, guards, { partition, bytes: bytes.length });
    }
  }

  /** Without a lease, so nothing is stored for others. */
  async #loadAlone(read: Read, why?: "on-hold" | "unreachable"): Promise<unknown> {
    const { copies, shared, ownTags, source } = this.#options;
    const { flight, call } = read;
    const { rules } = call;
    const onHold = why === "on-hold" || rules.onHold(call.key);
    const partition = shared?.partitionOf(call.storeKey) ?? 0;
    const registry = shared?.registry(partition) ?? ownTags;
    const sequence = registry.knownSequence;
    const loaded = await source.load(flight, call, read.stale, onHold);
    this.#options.log.note("miss", undefined, read.answer);
    const entry = onHold ? undefined : this.#entryOf(loaded, sequence, call);
    if (entry === undefined) return loaded.value;
    if (why === "unreachable") {
      copies.keepInOutage(flight, entry, rules);
    } else if (sequence >= 0) {
      const guards = await (shared?.guards(partition, entry) ??
        ownTags.guards(entry.tags, entry.sequence));
      const bytes = rules.sizeOf(entry.value);
      if (guards !== undefined) this.#keep(read, entry, guards, { partition, bytes });
    }
    return loaded.value;
  }

  /** What cannot be kept is given to those who wait, and to nobody else. */
  #entryOf(loaded: Loaded, sequence: number, { rules }: Call): CacheEntry | undefined {
    try {
      return entryOf(loaded, sequence, rules);
    } catch (cause) {
      if (!isUncloneable(cause)) throw cause;
      this.#options.degraded("value-unsupported");
      return undefined;
    }
  }

  #encoded(
    call: Call,
    entry: CacheEntry | undefined,
  ): readonly [CacheEntry, Uint8Array] | undefined {
    if (entry === undefined || entry.sequence < 0) return undefined;
    try {
      return [entry, this.#shared().encode(call.storeKey, entry)];
    } catch (cause) {
      this.#options.degraded(degradationBy(cause));
      return undefined;
    }
  }

  #keep(
    { flight, call }: Read,
    entry: CacheEntry,
    guards: readonly Guard[],
    from: { readonly partition: number; readonly bytes: number },
  ): LocalEntry {
    return this.#options.copies.keep(flight, entry, guards, call.rules, from);
  }

  /** What `work` gives; if it fails, a stale value where one may be served. */
  async #orStale(read: Read, work: Promise<unknown>): Promise<unknown> {
    try {
      return await work;
    } catch (reason) {
      const { flight, call, stale } = read;
      if (stale === undefined || !mayServe(flight, stale, call.rules)) throw reason;
      return this.#stale(read, stale);
    }
  }

  #stale({ flight, answer }: Read, stale: LocalEntry): unknown {
    if (!flight.answered) this.#options.log.note("stale", undefined, answer);
    return stale.value;
  }

  #shared(): SharedTier {
    const { shared } = this.#options;
    if (shared === undefined) throw new TypeError("there is no shared store");
    return shared;
  }
}

function isUncloneable(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "DataCloneError";
}
