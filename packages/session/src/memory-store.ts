/**
 * Sessions in the memory of the process: the reference of the contract, for tests and for one process.
 *
 * It is bounded: past `maxSessions` the one used longest ago is gone, as if it had expired. Expired
 * sessions are dropped when they are met, and by `sweep`.
 */

import { type Clock, systemClock } from "@headroom/core/clock";
import { requireClock, requireCount, requireKnownOptions } from "@headroom/core/options";
import { LRUCache } from "lru-cache";
import type {
  Announcer,
  Change,
  CommitResult,
  Listing,
  NewSession,
  SessionListener,
  SessionMeta,
  SessionStore,
  StoredSession,
  Sweeper,
  Touch,
  UserEpochs,
  UserIndex,
  UserSession,
} from "./store.ts";

export interface MemoryStoreOptions {
  /** @default 100_000 */
  readonly maxSessions?: number | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

/** @throws TypeError or RangeError naming the option that is wrong. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options);
}

interface Kept {
  readonly fields: Map<string, string>;
  meta: SessionMeta;
  seenAtMs: number;
  untilMs: number;
}

export class MemoryStore
  implements SessionStore, UserIndex, UserEpochs, Sweeper, Announcer, Listing
{
  readonly name = "memory";
  readonly announcesChanges = true;
  readonly #clock: Clock;
  readonly #sessions: LRUCache<string, Kept>;
  readonly #users = new Map<string, Set<string>>();
  readonly #epochs = new Map<string, number>();
  readonly #listeners = new Set<SessionListener>();

  constructor(options: MemoryStoreOptions) {
    requireKnownOptions("memoryStore", options, ["maxSessions", "clock"]);
    this.#clock = requireClock("clock", options.clock ?? systemClock);
    this.#sessions = new LRUCache({
      max: requireCount("maxSessions", options.maxSessions ?? 100_000),
    });
  }

  async load(key: string): Promise<StoredSession | undefined> {
    const kept = this.#kept(key);
    return kept && { fields: new Map(kept.fields), meta: kept.meta, seenAtMs: kept.seenAtMs };
  }

  async create(key: string, { fields, meta, seenAtMs, ttlMs }: NewSession): Promise<boolean> {
    if (this.#kept(key) !== undefined) return false;
    this.#sessions.set(key, { fields: new Map(fields), meta, seenAtMs, untilMs: this.#in(ttlMs) });
    return true;
  }

  async commit(key: string, { set, del, expect }: Change, touch: Touch): Promise<CommitResult> {
    const kept = this.#kept(key);
    if (kept === undefined) return "gone";
    for (const [name, text] of expect ?? []) {
      if (kept.fields.get(name) !== text) return "conflict";
    }
    for (const [name, text] of set) kept.fields.set(name, text);
    for (const name of del) kept.fields.delete(name);
    this.#touch(kept, touch);
    for (const listener of this.#listeners) listener.changed?.(key);
    return "ok";
  }

  async touch(key: string, touch: Touch): Promise<boolean> {
    const kept = this.#kept(key);
    if (kept !== undefined) this.#touch(kept, touch);
    return kept !== undefined;
  }

  async rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    const kept = this.#kept(from);
    if (kept === undefined) return false;
    this.#sessions.delete(from);
    this.#sessions.set(to, kept);
    kept.meta = meta;
    this.#touch(kept, touch);
    this.#tell(from);
    return true;
  }

  async destroy(key: string): Promise<boolean> {
    const existed = this.#kept(key) !== undefined;
    this.#sessions.delete(key);
    if (existed) this.#tell(key);
    return existed;
  }

  async enlist(userId: string, key: string): Promise<void> {
    const keys = this.#users.get(userId) ?? new Set();
    this.#users.set(userId, keys.add(key));
  }

  async strike(userId: string, key: string): Promise<void> {
    const keys = this.#users.get(userId);
    keys?.delete(key);
    if (keys?.size === 0) this.#users.delete(userId);
  }

  async ofUser(userId: string): Promise<readonly UserSession[]> {
    const found: UserSession[] = [];
    for (const key of this.#users.get(userId) ?? []) {
      const kept = this.#kept(key);
      if (kept?.meta.userId === userId) {
        found.push({ key, meta: kept.meta, seenAtMs: kept.seenAtMs });
      } else if (kept === undefined) await this.strike(userId, key);
    }
    return found.sort((one, other) => other.seenAtMs - one.seenAtMs);
  }

  async sweep(limit: number): Promise<number> {
    let removed = 0;
    for (const [key, { untilMs }] of this.#sessions.entries()) {
      if (removed === limit) break;
      if (untilMs > this.#clock.monotonicNow()) continue;
      this.#sessions.delete(key);
      removed++;
    }
    return removed;
  }

  async epochOf(userId: string): Promise<number> {
    return this.#epochs.get(userId) ?? 0;
  }

  async raiseEpoch(userId: string): Promise<void> {
    this.#epochs.set(userId, (this.#epochs.get(userId) ?? 0) + 1);
  }

  async forgetUser(userId: string): Promise<void> {
    this.#epochs.delete(userId);
    this.#users.delete(userId);
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *keys(): AsyncIterable<string> {
    for (const key of [...this.#sessions.keys()]) if (this.#kept(key) !== undefined) yield key;
  }

  #kept(key: string): Kept | undefined {
    const kept = this.#sessions.get(key);
    if (kept === undefined || kept.untilMs > this.#clock.monotonicNow()) return kept;
    this.#sessions.delete(key);
    return undefined;
  }

  #touch(kept: Kept, { seenAtMs, ttlMs }: Touch): void {
    kept.seenAtMs = seenAtMs;
    kept.untilMs = this.#in(ttlMs);
  }

  #in(ttlMs: number): number {
    return this.#clock.monotonicNow() + ttlMs;
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener.gone?.(key);
  }
}
