/**
 * Copies of sessions in the memory of the process, told by the store when they are old (`l1`).
 *
 * A copy spares the read of a session that this server has just read. It is dropped when the store
 * announces that the session was changed, ended or given another key, and when this process does
 * that itself; all of them when announcements may have been missed; and each is forgotten after
 * `ttlMs` in any case. So **a session that was ended elsewhere is known here as soon as Redis has
 * passed the message on, and `ttlMs` later at the latest**: that is the window of a revocation.
 *
 * An old copy loses no write: what is written are single fields, on the condition that the session
 * exists; `update` compares with what the store has. A read that is under way while its session
 * changes is given to who asked, and not kept.
 */

import type { Clock } from "@headroom/core/clock";
import { LRUCache } from "lru-cache";
import type {
  Announcer,
  Change,
  CommitResult,
  NewSession,
  SessionMeta,
  SessionStore,
  StoredSession,
  Touch,
} from "./store.ts";

export interface LocalCopiesRules {
  /** Who tells what is old. */
  readonly announcer: Announcer;
  readonly ttlMs: number;
  readonly maxSessions: number;
  readonly clock: Clock;
}

interface Copy {
  readonly stored: StoredSession;
  readonly untilMs: number;
}

export class LocalCopies implements SessionStore {
  readonly name: string;
  readonly #store: SessionStore;
  readonly #rules: LocalCopiesRules;
  readonly #copies: LRUCache<string, Copy>;
  /** What is being read by this process; what changes meanwhile is taken out. */
  readonly #reading = new Map<string, object>();
  readonly #stopListening: () => void;

  constructor(store: SessionStore, rules: LocalCopiesRules) {
    this.name = store.name;
    this.#store = store;
    this.#rules = rules;
    this.#copies = new LRUCache({ max: rules.maxSessions });
    this.#stopListening = rules.announcer.listen({
      gone: (key) => this.#drop(key),
      changed: (key) => this.#drop(key),
      gap: () => {
        this.#copies.clear();
        this.#reading.clear();
      },
    });
  }

  async load(key: string): Promise<StoredSession | undefined> {
    const { clock, ttlMs } = this.#rules;
    // Counted from the question: what it says may be as old as that.
    const nowMs = clock.monotonicNow();
    const copy = this.#copies.get(key);
    if (copy !== undefined && nowMs < copy.untilMs) return copy.stored;
    const reading = {};
    this.#reading.set(key, reading);
    try {
      const stored = await this.#store.load(key);
      if (stored !== undefined && this.#reading.get(key) === reading) {
        this.#copies.set(key, { stored, untilMs: nowMs + ttlMs });
      }
      return stored;
    } finally {
      if (this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  create(key: string, session: NewSession): Promise<boolean> {
    return this.#changing([key], () => this.#store.create(key, session));
  }

  commit(key: string, change: Change, touch: Touch): Promise<CommitResult> {
    return this.#changing([key], () => this.#store.commit(key, change, touch));
  }

  touch(key: string, touch: Touch): Promise<boolean> {
    return this.#changing([key], () => this.#store.touch(key, touch));
  }

  rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    return this.#changing([from, to], () => this.#store.rotate(from, to, meta, touch));
  }

  destroy(key: string): Promise<boolean> {
    return this.#changing([key], () => this.#store.destroy(key));
  }

  /** Ends the subscription. */
  close(): void {
    this.#stopListening();
    this.#copies.clear();
  }

  /** Dropped afterwards, whatever came of it: a call that failed may have taken effect. */
  async #changing<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      for (const key of keys) this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#copies.delete(key);
    this.#reading.delete(key);
  }
}
