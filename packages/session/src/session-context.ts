/** What all sessions of one `createSessions` have in common. */

import { LRUCache } from "lru-cache";
import { guardedStore, StoreGuard } from "./guarded-store.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { SessionRules } from "./session-rules.ts";
import { CookieSigner } from "./signed-cookie.ts";
import type { Device, SessionStore, StoredSession } from "./store.ts";
import { SessionUsers } from "./users.ts";

/** So many sessions may be read while the store is out. */
const MOST_LAST_KNOWN = 10_000;

export class SessionContext {
  readonly rules: SessionRules;
  readonly store: SessionStore;
  readonly signer: CookieSigner;
  readonly users: SessionUsers;
  /** Updates of one session by this process, one after the other: they would only conflict. */
  readonly updates: KeyedQueue = new KeyedQueue();
  /** What was loaded last; only kept for the policy `readonly`. */
  readonly lastKnown: LRUCache<string, StoredSession> | undefined;

  constructor(rules: SessionRules) {
    this.rules = rules;
    const guard = new StoreGuard(rules.store.name, rules);
    this.store = guardedStore(rules.store, guard);
    this.signer = new CookieSigner(rules.cookie.name, rules.secrets);
    this.users = new SessionUsers(
      rules.store,
      guard,
      rules.hardRevoke ? rules.absoluteMs : undefined,
    );
    this.lastKnown =
      rules.onStoreError === "readonly" ? new LRUCache({ max: MOST_LAST_KNOWN }) : undefined;
  }
}

/** Where a session comes from, besides its cookie. */
export interface SessionOrigin {
  /** Asked at a login. */
  readonly device: () => Device;
}
