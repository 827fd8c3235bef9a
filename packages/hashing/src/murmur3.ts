import type { Key } from "./key.ts";
import { hashKey, tailWord, wordAt } from "./key-bytes.ts";

/**
 * MurmurHash3_x86_32: the hash of every placement here that is free to choose.
 *
 * One multiplication, one rotation and one multiplication for each four bytes, all of them single
 * machine instructions through `Math.imul`. Sequential keys spread as random ones would, which
 * cheaper hashes (FNV-1a, CRC-32) do not achieve. It is no defence against an adversary who
 * chooses keys to collide.
 *
 * Source: Austin Appleby, SMHasher, `MurmurHash3.cpp`, MurmurHash3_x86_32.
 *
 * @param key text, as its UTF-8 bytes (a lone surrogate as U+FFFD), or bytes.
 * @param seed an integer; its low 32 bits count. Beware of `keys.map(murmur3)`: it passes the index.
 * @returns an integer from 0 to 2^32 - 1: `murmur3("test") === 0xba6bd213`.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function murmur3(key: Key, seed = 0): number {
  return murmur3Int32(key, seed) >>> 0;
}

/**
 * {@link murmur3} as the int32 it is computed in, for lookups that take some bits of it: an int32
 * stays in a register, where an integer beyond 2^31 becomes an object.
 */
export function murmur3Int32(key: Key, seed = 0): number {
  if (typeof key === "string" && key.length <= SHORT) return hashShort(key, seed);
  return hashKey(key, hashBytes, seed);
}

/** Up to here reading the characters is faster than having them written as bytes. */
const SHORT = 32;

/** Of ASCII, char codes and bytes are the same thing. Whether it was is known at the end. */
function hashShort(text: string, seed: number): number {
  const length = text.length;
  const tail = length & ~3;
  let hash = seed | 0;
  let all = 0;
  for (let at = 0; at < tail; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    all |= a | b | c | d;
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let last = 0;
  for (let at = length - 1; at >= tail; at--) {
    const code = text.charCodeAt(at);
    all |= code;
    last = (last << 8) | code;
  }
  if (all > 0x7f) return hashKey(text, hashBytes, seed);
  return avalanche(hash ^ scramble(last) ^ length);
}

function hashBytes(bytes: DataView, length: number, seed: number): number {
  const tail = length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < tail; at += 4) hash = mix(hash, wordAt(bytes, at));
  return avalanche(hash ^ scramble(tailWord(bytes, tail, length)) ^ length);
}

function mix(hash: number, word: number): number {
  const mixed = hash ^ scramble(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
