import { type Key, refuseKey } from "./key.ts";
import { asciiTail, asciiWord, byteTail, byteWord, hashUtf8 } from "./utf8.ts";

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
 * @param seed an integer; its low 32 bits count.
 * @returns an integer from 0 to 2^32 - 1: `murmur3("test") === 0xba6bd213`.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function murmur3(key: Key, seed = 0): number {
  if (typeof key === "string") return murmur3Text(key, seed);
  if (key instanceof Uint8Array) return murmur3Bytes(key, key.length, seed);
  return refuseKey(key);
}

function murmur3Text(text: string, seed: number): number {
  const length = text.length;
  const tail = length & ~3;
  let hash = seed | 0;
  let ascii = 0;
  for (let at = 0; at < tail && ascii >= 0; at += 4) {
    const word = asciiWord(text, at);
    ascii |= word;
    hash = mix(hash, word);
  }
  if (tail < length) {
    const word = asciiTail(text, tail);
    ascii |= word;
    hash ^= scramble(word);
  }
  if (ascii < 0) return hashUtf8(text, murmur3Bytes, seed);
  return avalanche(hash ^ length);
}

function murmur3Bytes(bytes: Uint8Array, length: number, seed: number): number {
  const tail = length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < tail; at += 4) hash = mix(hash, byteWord(bytes, at));
  return avalanche(hash ^ scramble(byteTail(bytes, tail, length)) ^ length);
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
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
