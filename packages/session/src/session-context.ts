/** What all sessions of one `createSessions` have in common. */

import { LRUCache } from "lru-cache";
import { adoptedSessions } from "./adoption/adopted-sessions.ts";
import { type CookieStore, isCookieStore } from "./cookie/cookie-store.ts";
import { SealedCarrier } from "./cookie/sealed-carrier.ts";
import { guardedStore, StoreGuard } from "./guarded-store.ts";
import { IdCarrier } from "./id-carrier.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { LocalCopies } from "./local-copies.ts";
import type { SessionCarrier } from "./session-carrier.ts";
import type { SessionRules } from "./session-rules.ts";
import { CookieSigner } from "./signed-cookie.ts";
import type { Device, SessionStore, StoredSession } from "./store.ts";
import { TouchThrottle } from "./touch-throttle.ts";
import { SessionUsers } from "./users.ts";

/** So many sessions may be read while the store is out. */
const MOST_LAST_KNOWN = 10_000;

export class SessionContext {
  readonly rules: SessionRules;
  /** As it is, without copies of ours; undefined: sessions are in their cookies. */
  readonly store: SessionStore | undefined;
  readonly carrier: SessionCarrier;
  readonly signer: CookieSigner;
  readonly users: SessionUsers;
  /** Updates of one session by this process, one after the other: they would only conflict. */
  readonly updates: KeyedQueue = new KeyedQueue();
  /** What was loaded last; only kept for the policy `readonly`. */
  readonly lastKnown: LRUCache<string, StoredSession> | undefined;
  readonly touches: TouchThrottle;
  readonly #copies: LocalCopies | undefined;

  constructor(rules: SessionRules) {
    const { cookie, secrets, clock, l1, adopt } = rules;
    this.rules = rules;
    const guard = new StoreGuard(rules.store.name, rules);
    const store = serverStore(rules.store);
    this.store = store && guardedStore(store, guard);
    this.signer = new CookieSigner(cookie.name, secrets);
    this.users = new SessionUsers(store, guard, rules.hardRevoke ? rules.absoluteMs : undefined);
    if (this.store === undefined) {
      this.carrier = new SealedCarrier({ cookie, secrets, clock });
    } else {
      this.#copies = l1 && new LocalCopies(this.store, l1);
      const [shared, { users }] = [this.#copies ?? this.store, this];
      this.carrier = new IdCarrier({
        store: shared,
        cookie,
        signer: this.signer,
        openForeign: adopt && adoptedSessions({ adopt, rules, store: shared, users, guard }),
      });
    }
    this.touches = new TouchThrottle(rules.touchEveryMs);
    this.lastKnown =
      rules.onStoreError === "readonly" ? new LRUCache({ max: MOST_LAST_KNOWN }) : undefined;
  }

  close(): void {
    this.#copies?.close();
  }
}

function serverStore(store: SessionStore | CookieStore): SessionStore | undefined {
  return isCookieStore(store) ? undefined : store;
}

/** Where a session comes from, besides its cookie. */
export interface SessionOrigin {
  /** Asked at a login. */
  readonly device: () => Device;
}
