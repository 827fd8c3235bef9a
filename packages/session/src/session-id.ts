/**
 * The id of a session, which is a secret, and the key under which a store keeps it, which is not.
 *
 *     id    43 characters of base64url: 32 random bytes
 *     key   "<place>:<SHA-256 of the id, base64url>", where the place is the id's first 8 characters
 *
 * Whoever reads the store, its backups or its `MONITOR` output cannot log in with what they see: of
 * the 256 bits of the id the key shows 48. The place stays when an id is *rotated*: then a session
 * moves to its new key within one slot of a Redis Cluster, in one step, and a change that another
 * request makes in that moment is not lost. What is new in a rotated id are 208 random bits; OWASP
 * ASVS 5.0 (7.2.3) asks for 128.
 */

import { hash, randomBytes } from "node:crypto";

/** Makes an id; injected in tests. */
export type RandomBytes = (size: number) => Buffer;

const ID = /^[A-Za-z0-9_-]{43}$/;
const PLACE_LENGTH = 8;

export function newSessionId(random: RandomBytes = randomBytes): string {
  return random(32).toString("base64url");
}

/** A new id in the place of `id`, which may be one of others. */
export function rotatedSessionId(id: string, random: RandomBytes = randomBytes): string {
  return sessionKey(id).slice(0, PLACE_LENGTH) + newSessionId(random).slice(PLACE_LENGTH);
}

export function isSessionId(value: string): boolean {
  return ID.test(value);
}

/** The key of an id. Ids of others, such as those of express-session, may have any length. */
export function sessionKey(id: string): string {
  const digest = hash("sha256", id, "base64url");
  const place = isSessionId(id) ? id.slice(0, PLACE_LENGTH) : digest.slice(0, PLACE_LENGTH);
  return `${place}:${digest}`;
}
