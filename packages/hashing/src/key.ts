/** What is hashed: text, as its UTF-8 bytes, or bytes. Anything else is refused: `42` is not `"42"`. */
export type Key = string | Uint8Array;

/** @throws TypeError when `key` is neither a string nor bytes. */
export function refuseKey(key: unknown): never {
  const got = key === null ? "null" : Array.isArray(key) ? "an array" : typeof key;
  throw new TypeError(`A key must be a string or a Uint8Array, got ${got}`);
}
