/**
 * How a session comes with a request and leaves with its answer.
 *
 * Mostly the cookie has an id, and the session is in a store that all servers share. It may also be
 * in the cookie itself, or be one that another library began, under an id of its own. Whatever the
 * session does after that is the same: it asks the store that it was carried with.
 */

import type { SessionStore } from "./store.ts";

export interface CarriedSession {
  /** Undefined: the request brings none that is genuine. */
  readonly id: string | undefined;
  /** Made with an old secret: the next cookie should replace it. */
  readonly isOld: boolean;
  /** Where it is, and where another one is made. */
  readonly store: SessionStore;
  /** The value of the cookie for the session of this id. */
  cookieValue(id: string): string;
}

export interface SessionCarrier {
  /** Whether every change of a session is a change of its cookie. */
  readonly isCookie: boolean;
  /** @param cookie the header of a request. */
  open(cookie: string | undefined): CarriedSession;
}
