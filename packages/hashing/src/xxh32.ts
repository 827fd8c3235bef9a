import { type Key, refuseKey } from "./key.ts";
import { hashUtf8, tailOf, wordOf } from "./utf8.ts";

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/**
 * xxHash with 32 bits, for who has to agree with another system that uses it.
 *
 * Source: Yann Collet, xxHash, `doc/xxhash_spec.md`, "XXH32 algorithm description".
 *
 * @param key text, as its UTF-8 bytes (a lone surrogate as U+FFFD), or bytes.
 * @param seed an integer; its low 32 bits count.
 * @returns an integer from 0 to 2^32 - 1: `xxh32("abc") === 0x32d153ff`.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function xxh32(key: Key, seed = 0): number {
  if (typeof key === "string" || key instanceof Uint8Array) return hash(key, key.length, seed | 0);
  return refuseKey(key);
}

function hash(source: Key, length: number, seed: number): number {
  const asText = typeof source === "string" ? -1 : 0;
  const stripes = length & ~15;
  let ascii = 0;
  let a = (seed + PRIME_1 + PRIME_2) | 0;
  let b = (seed + PRIME_2) | 0;
  let c = seed | 0;
  let d = (seed - PRIME_1) | 0;
  let at = 0;
  for (; at < stripes && ascii >= 0; at += 16) {
    const first = wordOf(source, at);
    const second = wordOf(source, at + 4);
    const third = wordOf(source, at + 8);
    const fourth = wordOf(source, at + 12);
    ascii |= (first | second | third | fourth) & asText;
    a = round(a, first);
    b = round(b, second);
    c = round(c, third);
    d = round(d, fourth);
  }
  let sum = stripes > 0 ? rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18) : c + PRIME_5;
  sum = (sum + length) | 0;
  for (; at + 4 <= length && ascii >= 0; at += 4) {
    const word = wordOf(source, at);
    ascii |= word & asText;
    sum = Math.imul(rotate(sum + Math.imul(word, PRIME_3), 17), PRIME_4);
  }
  let tail = tailOf(source, at, length);
  ascii |= tail & asText;
  if (ascii < 0 && typeof source === "string") return hashUtf8(source, hash, seed);
  for (; at < length; at += 1, tail >>>= 8) {
    sum = Math.imul(rotate(sum + Math.imul(tail & 0xff, PRIME_5), 11), PRIME_1);
  }
  return avalanche(sum);
}

function round(lane: number, word: number): number {
  return Math.imul(rotate(lane + Math.imul(word, PRIME_2), 13), PRIME_1);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function avalanche(sum: number): number {
  let mixed = Math.imul(sum ^ (sum >>> 15), PRIME_2);
  mixed = Math.imul(mixed ^ (mixed >>> 13), PRIME_3);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
