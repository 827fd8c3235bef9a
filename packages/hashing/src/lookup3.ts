import type { Key } from "./key.ts";
import { hashKey, tailWord, wordAt } from "./key-bytes.ts";

/**
 * Bob Jenkins' lookup3 as PostgreSQL computes it on a little-endian machine: the hash under all of
 * its hash functions, and so under hash indexes, hash partitions and Citus.
 *
 * The state is three words. A block of twelve bytes is added to them and mixed in; the last 0 to 11
 * bytes are added and mixed more thoroughly. PostgreSQL's changes: where the state begins, that the
 * lowest byte of the third word takes no data in the last block, and the seed, which is mixed
 * in only if it is not 0. Hence the low half of a 64-bit hash with seed 0 *is* the 32-bit hash.
 *
 * The state is one array that every hash starts anew: a hash runs to its end before another begins.
 *
 * Source: PostgreSQL, `src/common/hashfn.c`, hash_bytes and hash_bytes_extended.
 */
const state = new Int32Array(3);

/** The low half of the last hash: PostgreSQL's `c`. An int32. */
export function lookup3Low(): number {
  return state[2] as number;
}

/** The high half of the last hash: PostgreSQL's `b`. An int32. */
export function lookup3High(): number {
  return state[1] as number;
}

/** Two int32. */
export interface Seed {
  readonly low: number;
  readonly high: number;
}

export const NO_SEED: Seed = { low: 0, high: 0 };

/** Hashes a key; {@link lookup3Low} and {@link lookup3High} have the result. */
export function lookup3(key: Key, seed: Seed): void {
  hashKey(key, lookup3Bytes, seed);
}

/** Hashes the first `length` of `bytes`. */
export function lookup3Bytes(bytes: DataView, length: number, seed: Seed): void {
  begin(length, seed);
  let at = 0;
  for (; at + 12 <= length; at += 12)
    mix(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8));
  const a = at + 4 <= length ? wordAt(bytes, at) : tailWord(bytes, at, length);
  const b = at + 8 <= length ? wordAt(bytes, at + 4) : tailWord(bytes, at + 4, length);
  finish(a, b, tailWord(bytes, at + 8, length) << 8);
}

/** Hashes the four bytes of one word. */
export function lookup3Word(value: number, seed: Seed): void {
  begin(4, seed);
  finish(value, 0, 0);
}

function begin(length: number, seed: Seed): void {
  const start = (0x9e3779b9 + length + 3923095) | 0;
  state[0] = start;
  state[1] = start;
  state[2] = start;
  if (seed.low !== 0 || seed.high !== 0) mix(seed.high, seed.low, 0);
}

/** Adds a block and mixes so that every bit of it reaches at least a quarter of the state, reversibly. */
function mix(first: number, second: number, third: number): void {
  let a = ((state[0] as number) + first) | 0;
  let b = ((state[1] as number) + second) | 0;
  let c = ((state[2] as number) + third) | 0;
  a = (a - c) ^ rotate(c, 4);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 6);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 8);
  b = (b + a) | 0;
  a = (a - c) ^ rotate(c, 16);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 19);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 4);
  state[0] = a;
  state[1] = b + a;
  state[2] = c;
}

/** Adds the last block and mixes so that every bit of the state reaches every bit of the result. */
function finish(first: number, second: number, third: number): void {
  let a = ((state[0] as number) + first) | 0;
  let b = ((state[1] as number) + second) | 0;
  let c = ((state[2] as number) + third) | 0;
  c = (c ^ b) - rotate(b, 14);
  a = (a ^ c) - rotate(c, 11);
  b = (b ^ a) - rotate(a, 25);
  c = (c ^ b) - rotate(b, 16);
  a = (a ^ c) - rotate(c, 4);
  b = (b ^ a) - rotate(a, 14);
  c = (c ^ b) - rotate(b, 24);
  state[1] = b;
  state[2] = c;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
