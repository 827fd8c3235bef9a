import type { Key } from "./key.ts";

/**
 * A text as its UTF-8 bytes, without making the bytes.
 *
 * Every reference hash is defined over bytes, and JavaScript's strings are UTF-16. Hashing char codes
 * instead, as many packages do, agrees with nobody from the first "é" on; encoding every key costs
 * more than the hash. But nearly all keys are ASCII, where char codes and bytes are the same thing.
 * So every hash reads the text itself, a word of four characters at a time; words that are not ASCII
 * are negative, which one OR a word remembers, and then the hash is done again over the encoded
 * bytes ({@link hashUtf8}).
 *
 * The bytes are those of `TextEncoder`: a lone surrogate counts as U+FFFD, so texts that differ only
 * in which lone surrogates they hold have the same hash.
 */

/** Four characters as a little-endian word; negative if any of them is not ASCII. */
export function asciiWord(text: string, at: number): number {
  const a = text.charCodeAt(at);
  const b = text.charCodeAt(at + 1);
  const c = text.charCodeAt(at + 2);
  const d = text.charCodeAt(at + 3);
  // No branch: the shifted difference is -1, which covers the word, or 0. Worth a tenth of the hash.
  return a | (b << 8) | (c << 16) | (d << 24) | ((0x7f - (a | b | c | d)) >> 31);
}

/** The 0 to 3 characters from `at` to the end as a little-endian word; negative if not ASCII. */
export function asciiTail(text: string, at: number): number {
  let word = 0;
  for (let i = text.length - 1; i >= at; i--) {
    const code = text.charCodeAt(i);
    word = (word << 8) | code | ((0x7f - code) >> 31);
  }
  return word;
}

/** Four bytes as a little-endian word. */
export function byteWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** The 0 to 3 bytes from `at` to `end` as a little-endian word. */
export function byteTail(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = end - 1; i >= at; i--) word = (word << 8) | (bytes[i] as number);
  return word;
}

/**
 * Four bytes of bytes, or four characters of a text as {@link asciiWord} reads them: for hashes that
 * do enough work a word not to notice the question.
 */
export function wordOf(source: Key, at: number): number {
  return typeof source === "string" ? asciiWord(source, at) : byteWord(source, at);
}

/** The 0 to 3 characters or bytes from `at` to `length`, as {@link wordOf}. */
export function tailOf(source: Key, at: number, length: number): number {
  return typeof source === "string" ? asciiTail(source, at) : byteTail(source, at, length);
}

const encoder = new TextEncoder();
const SCRATCH_BYTES = 4096;
/** One UTF-16 code unit becomes three bytes at most. */
const SCRATCH_TEXT = Math.floor(SCRATCH_BYTES / 3);
const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * Hashes the UTF-8 bytes of `text`: those before `length` in the array that `hash` is given.
 *
 * Short texts are encoded into one array that is used again and again, of a fixed size; a longer
 * text gets an array of its own. Sharing is safe because `hash` keeps no reference to it and calls
 * nothing of the user's, so no second hash can begin while the array is in use.
 */
export function hashUtf8<Seed, Hash>(
  text: string,
  hash: (bytes: Uint8Array, length: number, seed: Seed) => Hash,
  seed: Seed,
): Hash {
  if (text.length <= SCRATCH_TEXT) {
    return hash(scratch, encoder.encodeInto(text, scratch).written, seed);
  }
  const bytes = encoder.encode(text);
  return hash(bytes, bytes.length, seed);
}
