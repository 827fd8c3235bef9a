/** Sessions that are in their cookie: each request brings its own, and its answer takes it along. */

import type { Clock } from "@headroom/core/clock";
import { type CookieRules, cookieValues } from "../http/cookie-rules.ts";
import type { CarriedSession, SessionCarrier } from "../session-carrier.ts";
import { CookieSealer } from "./cookie-sealer.ts";
import { SealedSession, type SealedSessionRules } from "./sealed-session.ts";

/** Name and value together; browsers drop what is longer, without a word (RFC 6265bis, 5.6). */
const MOST_BYTES = 4_096;

export interface SealedCarrierParts {
  readonly cookie: CookieRules;
  readonly secrets: readonly string[];
  readonly clock: Clock;
}

export class SealedCarrier implements SessionCarrier {
  readonly isCookie = true;
  readonly #name: string;
  readonly #sealer: CookieSealer;
  readonly #rules: SealedSessionRules;

  constructor({ cookie, secrets, clock }: SealedCarrierParts) {
    this.#name = cookie.name;
    this.#sealer = new CookieSealer(cookie.name, secrets);
    this.#rules = { clock, maxLength: MOST_BYTES - cookie.name.length };
  }

  open(header: string | undefined): CarriedSession {
    const store = new SealedSession(this.#rules);
    const cookieValue = (id: string): string => this.#sealer.seal(store.text(id));
    for (const value of cookieValues(header, this.#name)) {
      const unsealed = this.#sealer.open(value);
      if (unsealed === undefined) continue;
      const id = store.open(unsealed.text);
      if (id !== undefined) return { id, isOld: unsealed.isOld, store, cookieValue };
    }
    return { id: undefined, isOld: false, store, cookieValue };
  }
}
