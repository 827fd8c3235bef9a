/**
 * A key as bytes, all in one place.
 *
 * Every reference hash is defined over bytes, and JavaScript's strings are UTF-16. Hashing char codes
 * instead, as many packages do, agrees with nobody from the first "é" on. So a key is written as
 * bytes into one array, which is used again and again, and read back a word at a time. Native code
 * does the writing: some 25 ns, and then 30 characters a nanosecond. Only for the shortest texts is
 * reading them in JavaScript faster, which `murmur3.ts` does because every lookup hashes by it.
 *
 * The bytes are those of `TextEncoder`: a lone surrogate counts as U+FFFD, so texts that differ only
 * in which lone surrogates they hold have the same hash.
 */
import { isBytes, type Key, refuseKey } from "./key.ts";

/** A hash of the first `length` of `bytes`. */
export type HashOfBytes<Seed, Hash> = (bytes: DataView, length: number, seed: Seed) => Hash;

const SCRATCH_BYTES = 4096;
/** One UTF-16 code unit becomes three bytes at most. */
const SCRATCH_TEXT = Math.floor(SCRATCH_BYTES / 3);
const scratch = new Uint8Array(SCRATCH_BYTES);
const scratchView = new DataView(scratch.buffer);
const encoder = new TextEncoder();

/**
 * The hash of the bytes of `key`.
 *
 * The array is shared, which is safe because `hash` keeps no reference to it and calls nothing of
 * the user's, so no second hash can begin while it is in use. A key that is too long for it is read
 * where it is, or from an array of its own.
 *
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function hashKey<Seed, Hash>(key: Key, hash: HashOfBytes<Seed, Hash>, seed: Seed): Hash {
  if (typeof key === "string" && key.length <= SCRATCH_TEXT) {
    return hash(scratchView, encoder.encodeInto(key, scratch).written, seed);
  }
  return hashBytes(typeof key === "string" ? encoder.encode(key) : key, hash, seed);
}

function hashBytes<Seed, Hash>(bytes: Uint8Array, hash: HashOfBytes<Seed, Hash>, seed: Seed): Hash {
  if (!isBytes(bytes)) return refuseKey(bytes);
  const { length } = bytes;
  if (length > SCRATCH_BYTES) {
    return hash(new DataView(bytes.buffer, bytes.byteOffset, length), length, seed);
  }
  scratch.set(bytes);
  return hash(scratchView, length, seed);
}

/** Four bytes as a little-endian word. */
export function wordAt(bytes: DataView, at: number): number {
  return bytes.getInt32(at, true);
}

/** The 0 to 3 bytes from `at` to `end` as a little-endian word. */
export function tailWord(bytes: DataView, at: number, end: number): number {
  let word = 0;
  for (let i = end - 1; i >= at; i--) word = (word << 8) | bytes.getUint8(i);
  return word;
}
