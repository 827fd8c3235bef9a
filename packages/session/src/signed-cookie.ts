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

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
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
  readonly #name: string;
  readonly #keys: readonly KeyObject[];

  /** @param secrets as checked by `requireSecrets`. */
  constructor(name: string, secrets: readonly string[]) {
    this.#name = name;
    this.#keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)));
  }

  sign(id: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("there is no secret to sign with");
    return `${id}.${this.#signature(id, key)}`;
  }

  /** The id in a value of ours; undefined for anything else. */
  verify(value: string): Verified | undefined {
    if (value.length !== VALUE_LENGTH || value[ID_LENGTH] !== ".") return undefined;
    const id = value.slice(0, ID_LENGTH);
    if (!isSessionId(id)) return undefined;
    // As text: of one signature there are several spellings that decode to the same bytes.
    const given = Buffer.from(value.slice(ID_LENGTH + 1), "latin1");
    const index = this.#keys.findIndex((key) => isSame(given, this.#signature(id, key)));
    return index < 0 ? undefined : { id, isOld: index > 0 };
  }

  /** A token that only who has this session can know, for `purpose`. It changes with the id. */
  derive(purpose: string, id: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("there is no secret to sign with");
    return derived(key, purpose, id);
  }

  /** Whether `token` was derived for `purpose` and this id, with any of the secrets. */
  isDerived(token: string, purpose: string, id: string): boolean {
    const given = Buffer.from(token);
    return this.#keys.some((key) => isSame(given, derived(key, purpose, id)));
  }

  #signature(id: string, key: KeyObject): string {
    return createHmac("sha256", key).update(`${this.#name}=${id}`).digest("base64url");
  }
}

function derived(key: KeyObject, purpose: string, id: string): string {
  return createHmac("sha256", key).update(`${purpose}\0${id}`).digest("base64url");
}

/** In a time that does not tell where they differ. */
function isSame(given: Buffer, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}

/** Shorter can be guessed: 32 characters of hexadecimal are 128 bits. */
const SHORTEST_SECRET = 32;

/** @throws TypeError or RangeError; a secret is never shown. */
export function requireSecrets(secrets: readonly string[]): readonly string[] {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new TypeError("secrets must be a list of at least one secret: the first signs");
  }
  secrets.forEach((secret: unknown, index) => {
    if (typeof secret !== "string") {
      throw new TypeError(`secrets[${index}] must be a string, got ${typeof secret}`);
    }
    if (secret.length < SHORTEST_SECRET) {
      throw new RangeError(
        `secrets[${index}] must have at least ${SHORTEST_SECRET} characters, got ${secret.length}: ` +
          `node -e 'console.log(crypto.randomBytes(32).toString("hex"))' makes one`,
      );
    }
  });
  return secrets;
}
