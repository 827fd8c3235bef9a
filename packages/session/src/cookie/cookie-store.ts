/**
 * The choice without a server: the session is in the cookie, encrypted, and nowhere else.
 *
 * A store on a server decides what is true; a cookie only repeats what some answer once said. That is
 * enough for a cart or a theme, and what it cannot do is in its {@link CookieStoreCapabilities}, in the
 * types of what `createSessions` makes of it, and refused when the application starts:
 *
 * - **Nothing can be revoked.** A logout removes the cookie from this browser; a copy of it stays
 *   good until the session is over (`idleMs` after it was sealed, `absoluteMs` after it began).
 * - **Nobody knows whose sessions there are**: no list of devices, no limit, no notice of an end.
 * - **Of two requests at once the last answer wins**, with all fields: there is no `update`, and an
 *   answer that was under way during a logout brings the session back.
 * - **4096 bytes** are all that browsers take, name included.
 */

export interface CookieStoreCapabilities {
  /** `revoke`, `revokeUser`, `hardRevoke`, `onRevoked`. */
  readonly revocation: false;
  /** `ofUser`, `maxPerUser`, `wipeUser`. */
  readonly userList: false;
  /** `update`; fields that parallel requests write each. */
  readonly concurrentWriters: false;
}

/** For `createSessions({ store })`. */
export interface CookieStore {
  readonly name: "cookie";
  readonly capabilities: CookieStoreCapabilities;
}

const COOKIE_STORE: CookieStore = Object.freeze({
  name: "cookie",
  capabilities: Object.freeze({ revocation: false, userList: false, concurrentWriters: false }),
});

/** Keeps each session in its cookie; the secrets of `createSessions` encrypt it. */
export function cookieStore(): CookieStore {
  return COOKIE_STORE;
}

export function isCookieStore(store: object): store is CookieStore {
  return store === COOKIE_STORE;
}
