/**
 * What a key may be, and how it looks in a store.
 *
 * In the process a key is the application's own string. In a store it is one of many of all caches
 * that share it, so it carries the names of its cache and definition; it is printable, bounded in
 * length, and free of braces, which a Redis Cluster reads as the part that decides the slot.
 * Different keys stay different: what is escaped, is escaped without ambiguity, and what is too
 * long ends in its SHA-256.
 */

import { createHash } from "node:crypto";

/** Longest text after escaping, in UTF-16 units; what is longer is hashed. */
const LONGEST = 512;
/** How much of a long key stays readable. */
const READABLE = 128;
/** A unit takes six places at most when it is escaped. */
const NEVER_HASHED = Math.floor(LONGEST / 6);

/**
 * A key as the application gave it.
 * @throws TypeError when it is no text, or empty, naming the definition and what it is instead.
 */
export function requireKey(definition: string, key: unknown): string {
  if (typeof key === "string" && key !== "") return key;
  const shown =
    key === ""
      ? "an empty string"
      : Array.isArray(key)
        ? "an array"
        : key === null
          ? "null"
          : typeof key;
  throw new TypeError(
    `the key of "${definition}" must be a string that is not empty, got ${shown}: give a key function that makes one`,
  );
}

/** The part that all keys of a definition begin with in a store. */
export function keyPrefix(cache: string, definition: string): string {
  return `${escapedName(cache)}:${escapedName(definition)}:`;
}

/** What follows the prefix in a store. O(length). */
export function storedKey(key: string): string {
  const text = PLAIN.test(key) ? key : escaped(key);
  if (text.length <= LONGEST) return text;
  const digest = createHash("sha256").update(key, "utf16le").digest("base64url");
  return `${text.slice(0, READABLE)}~${digest}`;
}

/** Under which name the process keeps it: the key itself, unless it is so long that a store may hash it. */
export function localKey(key: string): string {
  return key.length <= NEVER_HASHED ? key : storedKey(key);
}

/** The local key of what a store calls `stored`; undoes `storedKey` as far as it can be undone. */
export function localKeyOf(stored: string): string {
  if (stored.includes("~")) return stored;
  const key = stored.replace(/%u(....)|%(..)/g, (_, unit: string | undefined, ascii: string) =>
    String.fromCharCode(Number.parseInt(unit ?? ascii, 16)),
  );
  return key.length <= NEVER_HASHED ? key : stored;
}

/** ASCII that is printable, without `%`, `~`, braces and blanks. */
const PLAIN = /^[!-$&-z|]*$/;
const SPECIAL = /[^!-$&-z|]/g;
const SPECIAL_IN_NAME = /[^!-$&-9;-z|]/g;

function escapedName(name: string): string {
  return escaped(name, SPECIAL_IN_NAME);
}

/** `%` and two hexadecimal digits for ASCII, `%u` and four for all else, by UTF-16 unit. */
function escaped(text: string, special: RegExp = SPECIAL): string {
  return text.replace(special, (unit) => {
    const code = unit.charCodeAt(0);
    return code < 0x80
      ? `%${code.toString(16).padStart(2, "0")}`
      : `%u${code.toString(16).padStart(4, "0")}`;
  });
}
