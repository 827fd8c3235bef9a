/** Sessions of a shared store, with their signed id in the cookie. */

import { type CookieRules, cookieValues } from "./http/cookie-rules.ts";
import type { CarriedSession, SessionCarrier } from "./session-carrier.ts";
import type { CookieSigner } from "./signed-cookie.ts";
import type { SessionStore } from "./store.ts";

/** The session of a request that has no cookie of ours. Undefined: it has no other either. */
export type OpenForeign = (
  cookie: string | undefined,
) => Pick<CarriedSession, "id" | "store"> | undefined;

export interface IdCarrierParts {
  readonly store: SessionStore;
  readonly cookie: CookieRules;
  readonly signer: CookieSigner;
  readonly openForeign?: OpenForeign | undefined;
}

export class IdCarrier implements SessionCarrier {
  readonly isCookie = false;
  readonly #parts: IdCarrierParts;
  readonly #cookieValue: (id: string) => string;

  constructor(parts: IdCarrierParts) {
    this.#parts = parts;
    this.#cookieValue = (id) => parts.signer.sign(id);
  }

  open(header: string | undefined): CarriedSession {
    const { store, cookie, signer, openForeign } = this.#parts;
    const cookieValue = this.#cookieValue;
    for (const value of cookieValues(header, cookie.name)) {
      const verified = signer.verify(value);
      if (verified !== undefined) return { ...verified, store, cookieValue };
    }
    const found = openForeign?.(header) ?? { id: undefined, store };
    return { ...found, isOld: false, cookieValue };
  }
}
