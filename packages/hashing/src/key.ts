import { isUint8Array } from "node:util/types";

/** What is hashed: text, as its UTF-8 bytes, or bytes. Anything else is refused: `42` is not `"42"`. */
export type Key = string | Uint8Array;

/** Whether `key` is a `Uint8Array`, also one of another realm, such as a `vm` context. */
export function isBytes(key: unknown): key is Uint8Array {
  return key instanceof Uint8Array || isUint8Array(key);
}

/** @throws TypeError when `key` is neither a string nor bytes. */
export function refuseKey(key: unknown): never {
  throw new TypeError(`A key must be a string or a Uint8Array, got ${kindOf(key)}`);
}

/** What a value is, for messages that do not show it: `number`, `null`, `Array`, `Uint16Array`. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object"
    ? Object.prototype.toString.call(value).slice(8, -1)
    : typeof value;
}
