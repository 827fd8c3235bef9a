/**
 * Values that the store can neither read nor change: AES-256 in Galois/Counter Mode.
 *
 * Each value is bound to the key it is stored under (and to its header) as associated data, so one
 * that was moved to another key does not decrypt. A store can still withhold values or give an old
 * one back.
 *
 * A nonce must never come twice under one secret. It is a prefix of 64 random bits that each
 * process draws, and a counter of 32 bits; after 2^32 values the prefix is drawn anew. Random
 * nonces of 96 bits would be good for 2^32 values in all, which a busy cache writes in days. With a
 * million starts of processes under one secret, two draw the same prefix with a probability of
 * 3 in 10^8.
 *
 * Rotation: put the new secret first, deploy, and drop the old one when what it encrypted has
 * expired. During the deployment, values of new processes are misses to old ones.
 *
 * The length of a compressed value tells a little about its content. Whoever can put text of his
 * own beside a secret into one value, and see its length, should not be given compression.
 *
 * Layout: length of the id (1 byte), id, nonce (12), tag (16), encrypted bytes.
 * Source: NIST SP 800-38D, section 8.2.1 (deterministic construction of nonces).
 */

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from "node:crypto";
import { requireKnownOptions } from "@headroom/core/options";

export interface EncryptionKey {
  /** Stored in the clear beside the value: 1 to 32 printable ASCII characters. `"2026-01"`. */
  readonly id: string;
  /** 32 random bytes. */
  readonly secret: Uint8Array;
}

export interface EncryptionOptions {
  /** The first encrypts, all decrypt. */
  readonly keys: readonly EncryptionKey[];
}

export interface Encryption {
  /** @param bound what `decrypt` must be given as well. */
  encrypt(bytes: Uint8Array, bound: Uint8Array): Uint8Array;
  /** Undefined: an unknown key, another `bound`, or not what `encrypt` gave. */
  decrypt(bytes: Uint8Array, bound: Uint8Array): Uint8Array | undefined;
}

const CIPHER = "aes-256-gcm";
const SECRET_BYTES = 32;
const NONCE_BYTES = 12;
const PREFIX_BYTES = 8;
const TAG_BYTES = 16;
const LONGEST_ID = 32;

/**
 * @throws TypeError or RangeError when an option is unknown, there is no key, an id is used twice
 *   or not printable, or a secret is not of 32 bytes. No message shows a secret.
 */
export function createEncryption(options: EncryptionOptions): Encryption {
  requireKnownOptions("encryption", options, ["keys"]);
  const keys = requireKeys(options.keys);
  const [first] = keys;
  if (first === undefined) throw new RangeError("encryption.keys must have at least one key");
  const [id, secret] = first;
  const secrets = new Map(keys);
  const opening = Buffer.concat([Buffer.of(id.length), Buffer.from(id, "latin1")]);
  const nextNonce = nonces();
  return {
    encrypt(bytes, bound) {
      const nonce = nextNonce();
      const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(bound);
      const encrypted = cipher.update(bytes);
      cipher.final(); // empty in this mode
      return Buffer.concat([opening, nonce, cipher.getAuthTag(), encrypted]);
    },
    decrypt(bytes, bound) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const idEnd = 1 + (buffer[0] ?? 0);
      const tagAt = idEnd + NONCE_BYTES;
      const encryptedAt = tagAt + TAG_BYTES;
      const secretOfIt = secrets.get(buffer.toString("latin1", 1, idEnd));
      if (secretOfIt === undefined || buffer.length < encryptedAt) return undefined;
      const decipher = createDecipheriv(CIPHER, secretOfIt, buffer.subarray(idEnd, tagAt), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(bound);
      decipher.setAuthTag(buffer.subarray(tagAt, encryptedAt));
      const decrypted = decipher.update(buffer.subarray(encryptedAt));
      try {
        decipher.final();
      } catch {
        return undefined; // not authentic: nothing of it may be used
      }
      return decrypted;
    },
  };
}

/** No two calls give the same, nor do two processes. */
function nonces(): () => Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  let counter = 2 ** 32;
  return () => {
    if (counter === 2 ** 32) {
      randomFillSync(nonce, 0, PREFIX_BYTES);
      counter = 0;
    }
    nonce.writeUInt32BE(counter++, PREFIX_BYTES);
    return nonce;
  };
}

function requireKeys(keys: readonly EncryptionKey[]): [id: string, secret: KeyObject][] {
  if (!Array.isArray(keys)) throw new TypeError("encryption.keys must be an array");
  const ids = new Set<string>();
  return keys.map((key: EncryptionKey, index) => {
    const where = `encryption.keys[${index}]`;
    requireKnownOptions(where, key, ["id", "secret"]);
    const { id, secret } = key;
    if (typeof id !== "string" || !/^[!-~]+$/.test(id) || id.length > LONGEST_ID) {
      throw new TypeError(`${where}.id must be 1 to ${LONGEST_ID} printable ASCII characters`);
    }
    if (ids.has(id)) throw new RangeError(`${where}.id must be used once, got "${id}" again`);
    ids.add(id);
    if (!(secret instanceof Uint8Array))
      throw new TypeError(`${where}.secret must be a Uint8Array`);
    if (secret.length !== SECRET_BYTES) {
      throw new RangeError(`${where}.secret must have ${SECRET_BYTES} bytes, got ${secret.length}`);
    }
    return [id, createSecretKey(secret)];
  });
}
