/**
 * Jump consistent hash: a key's bucket among `n` numbered buckets, with no table at all.
 *
 * A key is followed through the history of a growing cluster. When bucket `n` is added, each key
 * must move to it with a chance of 1 in n, so the sequence of a key's moves can be drawn from a
 * random number generator seeded by the key; and the *next* move can be computed from one number,
 * which skips the buckets in between. Hence about ln(n) steps, no memory, and a balance that is that
 * of the hash itself.
 *
 * What it cannot do: buckets are numbers, and only the last one can be removed. It fits shards that
 * are only ever appended. For a node that can fail, take a ring, maglev or rendezvous; for weights
 * too.
 *
 * The generator is a 64-bit one (x → 2862933555777941757·x + 1). JavaScript's BigInt would allocate
 * at each step; two 32-bit halves, and the products of their 16-bit halves, do not.
 *
 * Source: Lamping & Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014, figure 1.
 */
import type { Key } from "./key.ts";
import { murmur3Int32 } from "./murmur3.ts";

const MULTIPLIER_HIGH = 0x27bb2ee6;
const MULTIPLIER_LOW = 0x87b0b0fd;
const LOW_OF_LOW = MULTIPLIER_LOW & 0xffff;
const HIGH_OF_LOW = MULTIPLIER_LOW >>> 16;

const MOST_BUCKETS = 2 ** 31 - 1;
const HIGH_SEED = 0;
const LOW_SEED = 0x9e3779b9;

/**
 * The bucket of `key` among `buckets` buckets. Where `buckets` grows by one, a key stays or moves
 * to the new last bucket. O(ln buckets) after one pass over the key.
 *
 * @param key text or bytes, hashed to 64 bits (murmur3 with two seeds); or a `bigint`, of which the
 *   low 64 bits are taken as the hash itself, as other implementations of jump hash do.
 * @param buckets an integer from 1 to 2^31 - 1.
 * @returns an integer from 0 to `buckets - 1`: `jump(256n, 1024) === 520`.
 * @throws TypeError when `key` is none of these (a number is not its digits); RangeError when
 *   `buckets` is out of range.
 */
export function jump(key: Key | bigint, buckets: number): number {
  if (typeof key === "bigint") {
    const low = Number(key & 0xffff_ffffn);
    return jumpOfHalves(Number((key >> 32n) & 0xffff_ffffn), low, buckets);
  }
  return jumpOfHalves(murmur3Int32(key, HIGH_SEED), murmur3Int32(key, LOW_SEED), buckets);
}

/**
 * The bucket of a 64-bit hash given as two halves: `jumpOfHalves(0, 256, 1024) === 520`.
 *
 * @param high the upper 32 bits, signed or not.
 * @param low the lower 32 bits, signed or not.
 * @param buckets an integer from 1 to 2^31 - 1.
 * @throws RangeError when `buckets` is out of range.
 */
export function jumpOfHalves(high: number, low: number, buckets: number): number {
  if (!(Number.isInteger(buckets) && buckets >= 1 && buckets <= MOST_BUCKETS)) {
    throw new RangeError(`buckets must be an integer from 1 to 2^31 - 1, got ${String(buckets)}`);
  }
  let upper = high | 0;
  let lower = low | 0;
  let bucket = 0;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    const carried = carry(lower);
    upper = (Math.imul(upper, MULTIPLIER_LOW) + Math.imul(lower, MULTIPLIER_HIGH) + carried) | 0;
    lower = (Math.imul(lower, MULTIPLIER_LOW) + 1) | 0;
    if (lower === 0) upper = (upper + 1) | 0;
    next = Math.floor((bucket + 1) * (2 ** 31 / ((upper >>> 1) + 1)));
  }
  return bucket;
}

/** The upper 32 bits of `lower · MULTIPLIER_LOW`: what the product carries into the upper half. */
function carry(lower: number): number {
  const little = lower & 0xffff;
  const big = lower >>> 16;
  const first = Math.imul(little, LOW_OF_LOW) >>> 0;
  const second = (Math.imul(big, LOW_OF_LOW) + (first >>> 16)) >>> 0;
  const third = (Math.imul(little, HIGH_OF_LOW) + (second & 0xffff)) >>> 0;
  return (Math.imul(big, HIGH_OF_LOW) + (second >>> 16) + (third >>> 16)) | 0;
}
