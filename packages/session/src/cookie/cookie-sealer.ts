/**
 * Encrypts the value of a cookie, so that its owner can neither read nor change it.
 *
 *     value = base64url(version 1 | salt 12 | nonce 12 | ciphertext | tag 16)
 *
 * AES-256-GCM with a key of its own for each value: HMAC-SHA256 of the salt under a key that HKDF
 * makes of the secret and the cookie's name. One key may seal 2^32 values with random nonces of 96
 * bits (NIST SP 800-38D, 8.3), which a busy site does in a month; salt and nonce together are 192.
 * Version and name are authenticated too: a value of another cookie is worth nothing here.
 *
 * The first secret seals, all of them open: a new one is put in front, and the old one removed when
 * its sessions are over.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

export interface Unsealed {
  readonly text: string;
  /** Sealed with an old secret. */
  readonly isOld: boolean;
}

const VERSION = 1;
const SALT_BYTES = 12;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BEFORE_BYTES = 1 + SALT_BYTES + NONCE_BYTES;

/** The length of the value that seals so many bytes. */
export function sealedLength(bytes: number): number {
  return Math.ceil(((BEFORE_BYTES + bytes + TAG_BYTES) * 4) / 3);
}

export class CookieSealer {
  readonly #keys: readonly KeyObject[];
  readonly #authenticated: Buffer;

  /** @param secrets as checked by `requireSecrets`. */
  constructor(cookieName: string, secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => {
      const key = hkdfSync("sha256", secret, "", `headroom session cookie ${cookieName}`, 32);
      return createSecretKey(Buffer.from(key));
    });
    this.#authenticated = Buffer.from(`${String.fromCharCode(VERSION)}${cookieName}`);
  }

  seal(text: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError("there is no secret to seal with");
    const random = randomBytes(SALT_BYTES + NONCE_BYTES);
    const [salt, nonce] = [random.subarray(0, SALT_BYTES), random.subarray(SALT_BYTES)];
    const cipher = createCipheriv("aes-256-gcm", keyOf(key, salt), nonce);
    cipher.setAAD(this.#authenticated);
    const sealed = [cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat([Buffer.of(VERSION), random, ...sealed]).toString("base64url");
  }

  /** Undefined: it was not sealed here, or was changed since. */
  open(value: string): Unsealed | undefined {
    const bytes = Buffer.from(value, "base64url");
    if (bytes.length < BEFORE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
    for (const [index, key] of this.#keys.entries()) {
      const text = this.#opened(bytes, key);
      if (text !== undefined) return { text, isOld: index > 0 };
    }
    return undefined;
  }

  #opened(bytes: Buffer, key: KeyObject): string | undefined {
    const salt = bytes.subarray(1, 1 + SALT_BYTES);
    const nonce = bytes.subarray(1 + SALT_BYTES, BEFORE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", keyOf(key, salt), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#authenticated);
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(BEFORE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString();
    } catch {
      return undefined; // another secret's, or forged: nobody is to learn which
    }
  }
}

function keyOf(key: KeyObject, salt: Buffer): Buffer {
  return createHmac("sha256", key).update(salt).digest();
}
