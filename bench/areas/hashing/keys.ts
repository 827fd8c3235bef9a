import { seededRandom } from "@headroom/core/random";

const random = seededRandom(1);

/** One flat string, as from a socket. */
function randomKey(length: number): string {
  const letters = Array.from({ length }, () => Math.floor(random() * 36).toString(36));
  return Buffer.from(letters.join("")).toString();
}

/** 131,072 random keys of 20 letters and digits. */
export const KEYS: readonly string[] = Array.from({ length: 131_072 }, () => randomKey(20));
const LONG_KEYS: readonly string[] = Array.from({ length: 256 }, () => randomKey(1024));
const TAGGED_KEYS: readonly string[] = KEYS.map((key) => `{${key.slice(0, 10)}}${key.slice(12)}`);

export function keyAt(index: number): string {
  return KEYS[index & (KEYS.length - 1)] as string;
}

/** 1 KB. */
export function longKeyAt(index: number): string {
  return LONG_KEYS[index & (LONG_KEYS.length - 1)] as string;
}

/** 20 characters, of which 10 are in a hash tag. */
export function taggedKeyAt(index: number): string {
  return TAGGED_KEYS[index & (TAGGED_KEYS.length - 1)] as string;
}
