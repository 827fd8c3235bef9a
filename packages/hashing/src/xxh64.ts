import { highHalf, lowHalf, multiplyHigh, toUint64 } from "./int64.ts";
import type { Key } from "./key.ts";
import { hashKey } from "./key-bytes.ts";

/**
 * xxHash with 64 bits, for who has to agree with another system that uses it, such as Envoy's maglev.
 *
 * JavaScript has no 64-bit integers that are cheap, so this is written for a small machine of 64-bit
 * registers, each two int32 of one array, low half first. All state is in them: a hash runs to its
 * end before another begins. The algorithm's five primes are registers that nobody writes to.
 *
 * Source: Yann Collet, xxHash, `doc/xxhash_spec.md`, "XXH64 algorithm description".
 */
const registers = new Int32Array(22);
const [A, B, C, D, HASH, INPUT, PRIME_1, PRIME_2, PRIME_3, PRIME_4, PRIME_5] = [
  0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20,
] as const;
set(PRIME_1, 0x85ebca87, 0x9e3779b1);
set(PRIME_2, 0x27d4eb4f, 0xc2b2ae3d);
set(PRIME_3, 0x9e3779f9, 0x165667b1);
set(PRIME_4, 0xc2b2ae63, 0x85ebca77);
set(PRIME_5, 0x165667c5, 0x27d4eb2f);

/**
 * @param key text, as its UTF-8 bytes (a lone surrogate as U+FFFD), or bytes.
 * @param seed an integer, as a number only up to 2^53; its low 64 bits count.
 * @returns an integer from 0 to 2^64 - 1: `xxh64("") === 0xef46db3751d8e999n`.
 * @throws TypeError when `key` is neither a string nor bytes, or `seed` no integer.
 */
export function xxh64(key: Key, seed: bigint | number = 0): bigint {
  hashKey(key, hash, requireSeed(seed));
  return toUint64(low(HASH), high(HASH));
}

/**
 * {@link xxh64} as two uint32, without making a BigInt: `xxh64Halves("")` is
 * `{ low: 0x51d8e999, high: 0xef46db37 }`.
 */
export function xxh64Halves(
  key: Key,
  seed: bigint | number = 0,
): { readonly low: number; readonly high: number } {
  hashKey(key, hash, requireSeed(seed));
  return { low: low(HASH) >>> 0, high: high(HASH) >>> 0 };
}

function requireSeed(seed: bigint | number): bigint | number {
  if (typeof seed === "bigint" || Number.isSafeInteger(seed)) return seed;
  throw new TypeError(`A seed must be an integer, beyond 2^53 a bigint, got ${String(seed)}`);
}

/** Leaves the hash in the register HASH. */
function hash(bytes: DataView, length: number, seed: bigint | number): void {
  let at = 0;
  begin(seed);
  for (; at + 32 <= length; at += 32) {
    for (let lane: number = A; lane <= D; lane += 2) {
      read(bytes, at + lane * 4);
      round(lane);
    }
  }
  if (at > 0) mergeLanes();
  else add(HASH, PRIME_5);
  addWords(HASH, length, 0);
  for (; at + 8 <= length; at += 8) {
    read(bytes, at);
    mergeInput();
  }
  if (at + 4 <= length) {
    mergeWord(bytes.getInt32(at, true));
    at += 4;
  }
  for (; at < length; at++) mergeByte(bytes.getUint8(at));
  avalanche();
}

/** Eight bytes into INPUT. */
function read(bytes: DataView, at: number): void {
  set(INPUT, bytes.getInt32(at, true), bytes.getInt32(at + 4, true));
}

/** HASH = C = seed, and the other lanes at their distances from it. */
function begin(seed: bigint | number): void {
  const seedLow = seed === 0 ? 0 : lowHalf(seed);
  const seedHigh = seed === 0 ? 0 : highHalf(seed);
  for (let lane: number = A; lane <= HASH; lane += 2) set(lane, seedLow, seedHigh);
  add(A, PRIME_1);
  add(A, PRIME_2);
  add(B, PRIME_2);
  // Minus a number is plus its complement plus one.
  addWords(D, ~low(PRIME_1), ~high(PRIME_1));
  addWords(D, 1, 0);
}

function round(lane: number): void {
  multiply(INPUT, PRIME_2);
  add(lane, INPUT);
  rotate(lane, 31);
  multiply(lane, PRIME_1);
}

function mergeLanes(): void {
  set(HASH, 0, 0);
  for (let lane: number = A; lane <= D; lane += 2) {
    set(INPUT, low(lane), high(lane));
    rotate(INPUT, lane === A ? 1 : lane === B ? 7 : lane === C ? 12 : 18);
    add(HASH, INPUT);
  }
  for (let lane: number = A; lane <= D; lane += 2) {
    set(INPUT, low(lane), high(lane));
    scrambleInput();
    xor(HASH, INPUT);
    multiply(HASH, PRIME_1);
    add(HASH, PRIME_4);
  }
}

function mergeInput(): void {
  scrambleInput();
  xor(HASH, INPUT);
  rotate(HASH, 27);
  multiply(HASH, PRIME_1);
  add(HASH, PRIME_4);
}

/** A round whose lane begins with 0. */
function scrambleInput(): void {
  multiply(INPUT, PRIME_2);
  rotate(INPUT, 31);
  multiply(INPUT, PRIME_1);
}

function mergeWord(word: number): void {
  set(INPUT, word, 0);
  multiply(INPUT, PRIME_1);
  xor(HASH, INPUT);
  rotate(HASH, 23);
  multiply(HASH, PRIME_2);
  add(HASH, PRIME_3);
}

function mergeByte(byte: number): void {
  set(INPUT, byte, 0);
  multiply(INPUT, PRIME_5);
  xor(HASH, INPUT);
  rotate(HASH, 11);
  multiply(HASH, PRIME_1);
}

function avalanche(): void {
  set(INPUT, high(HASH) >>> 1, 0);
  xor(HASH, INPUT);
  multiply(HASH, PRIME_2);
  set(INPUT, (low(HASH) >>> 29) | (high(HASH) << 3), high(HASH) >>> 29);
  xor(HASH, INPUT);
  multiply(HASH, PRIME_3);
  set(INPUT, high(HASH), 0);
  xor(HASH, INPUT);
}

function low(register: number): number {
  return registers[register] as number;
}

function high(register: number): number {
  return registers[register + 1] as number;
}

function set(register: number, lowWord: number, highWord: number): void {
  registers[register] = lowWord;
  registers[register + 1] = highWord;
}

function add(register: number, from: number): void {
  addWords(register, low(from), high(from));
}

function addWords(register: number, lowWord: number, highWord: number): void {
  const sum = (low(register) + lowWord) | 0;
  const carry = sum >>> 0 < lowWord >>> 0 ? 1 : 0;
  set(register, sum, high(register) + highWord + carry);
}

function xor(register: number, from: number): void {
  set(register, low(register) ^ low(from), high(register) ^ high(from));
}

/** Left, by 1 to 31 bits. */
function rotate(register: number, bits: number): void {
  const lowWord = low(register);
  const highWord = high(register);
  const rest = 32 - bits;
  set(register, (lowWord << bits) | (highWord >>> rest), (highWord << bits) | (lowWord >>> rest));
}

function multiply(register: number, by: number): void {
  const lowWord = low(register);
  const crosses = Math.imul(high(register), low(by)) + Math.imul(lowWord, high(by));
  set(register, Math.imul(lowWord, low(by)), multiplyHigh(lowWord, low(by)) + crosses);
}
