/**
 * The value of the cookie: the id and a signature of it.
 *
 * The signature is no secret-keeping, the id is random enough; it lets a forged or truncated cookie
 * die in this process, without a question to the store. The name of the cookie is signed too, so
 * that a value signed for another cookie with the same secret is worth nothing here.
 *
 * The first secret signs, all of them verify: a new one is put in front, and the old one removed
 * when its cookies have expired.
 */

import { Signer } from "@headroom/core/signer";
import { isSessionId } from "./session-id.ts";

export interface Verified {
  readonly id: string;
  /** Signed with an old secret: the next cookie should replace it. */
  readonly isOld: boolean;
}

/** 43 characters of the id, a dot, 43 of the signature. */
const VALUE_LENGTH = 87;
const ID_LENGTH = 43;

export class CookieSigner {
  readonly #signer: Signer;

  /** @throws TypeError or RangeError; a secret is never shown. */
  constructor(name: string, secrets: readonly string[]) {
    this.#signer = new Signer(name, secrets);
  }

  sign(id: string): string {
    return `${id}.${this.#signer.sign(id)}`;
  }

  /** The id in a value of ours; undefined for anything else. */
  verify(value: string): Verified | undefined {
    if (value.length !== VALUE_LENGTH || value[ID_LENGTH] !== ".") return undefined;
    const id = value.slice(0, ID_LENGTH);
    if (!isSessionId(id)) return undefined;
    const signed = this.#signer.verify(id, value.slice(ID_LENGTH + 1));
    return signed && { id, ...signed };
  }

  /** A token that only who has this session can know, for `purpose`. It changes with the id. */
  derive(purpose: string, id: string): string {
    return this.#signer.sign(`${purpose}\0${id}`);
  }

  /** Whether `token` was derived for `purpose` and this id, with any of the secrets. */
  isDerived(token: string, purpose: string, id: string): boolean {
    return this.#signer.verify(`${purpose}\0${id}`, token) !== undefined;
  }
}
