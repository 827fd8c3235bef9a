import type { Key } from "./key.ts";
import { hashKey, wordAt } from "./key-bytes.ts";

const { imul } = Math;

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
  return hashKey(key, hash, seed | 0) >>> 0;
}

function hash(bytes: DataView, length: number, seed: number): number {
  let at = 0;
  let sum = (seed + PRIME_5) | 0;
  if (length >= 16) {
    let a = (seed + PRIME_1 + PRIME_2) | 0;
    let b = (seed + PRIME_2) | 0;
    let c = seed;
    let d = (seed - PRIME_1) | 0;
    const stripes = length & ~15;
    for (; at < stripes; at += 16) {
      a = round(a, wordAt(bytes, at));
      b = round(b, wordAt(bytes, at + 4));
      c = round(c, wordAt(bytes, at + 8));
      d = round(d, wordAt(bytes, at + 12));
    }
    sum = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  }
  sum = (sum + length) | 0;
  for (; at + 4 <= length; at += 4) {
    const word = wordAt(bytes, at);
    sum = imul(rotate(sum + imul(word, PRIME_3), 17), PRIME_4);
  }
  for (; at < length; at++) {
    sum = imul(rotate(sum + imul(bytes.getUint8(at), PRIME_5), 11), PRIME_1);
  }
  return avalanche(sum);
}

function round(lane: number, word: number): number {
  return imul(rotate(lane + imul(word, PRIME_2), 13), PRIME_1);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function avalanche(sum: number): number {
  let mixed = imul(sum ^ (sum >>> 15), PRIME_2);
  mixed = imul(mixed ^ (mixed >>> 13), PRIME_3);
  return mixed ^ (mixed >>> 16);
}
