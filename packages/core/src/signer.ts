/**
 * Texts that come back from a browser as they were sent, or not at all.
 *
 * HMAC-SHA-256. What a text is for is signed with it: a value that was signed as one cookie is worth
 * nothing as another, though the secret is the same. The first secret signs and all of them verify: a
 * new one is put in front, and the old one removed when what it has signed is of no use any more.
 *
 * It keeps nothing secret: who has the text can read it.
 */

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";

/** With which of the secrets it was signed. */
export interface Signed {
  /** Not with the first one: it should be signed again. */
  readonly isOld: boolean;
}

export class Signer {
  readonly #purpose: string;
  readonly #keys: readonly KeyObject[];
  readonly #first: KeyObject;

  /**
   * @param purpose what the texts are for: a cookie's name.
   * @param secrets at least one; the first signs.
   * @throws TypeError or RangeError; a secret is never shown.
   */
  constructor(purpose: string, secrets: readonly string[]) {
    this.#purpose = purpose;
    this.#keys = requireSecrets(secrets).map((secret) => createSecretKey(Buffer.from(secret)));
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError("there is no secret to sign with");
    this.#first = first;
  }

  /** The signature of `text`: 43 characters of base64url. */
  sign(text: string): string {
    return this.#signature(text, this.#first);
  }

  /** Undefined when it was not signed here. Takes the same time wherever the two differ. */
  verify(text: string, signature: string): Signed | undefined {
    // As text: of one signature there are several spellings that decode to the same bytes.
    const given = Buffer.from(signature, "latin1");
    const index = this.#keys.findIndex((key) => isSame(given, this.#signature(text, key)));
    return index < 0 ? undefined : { isOld: index > 0 };
  }

  #signature(text: string, key: KeyObject): string {
    return createHmac("sha256", key).update(`${this.#purpose}=${text}`).digest("base64url");
  }
}

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
