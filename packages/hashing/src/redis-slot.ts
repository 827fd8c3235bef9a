import type { Key } from "./key.ts";
import { hashKey } from "./key-bytes.ts";

/**
 * The slot of a key in a Redis Cluster: CRC16-XMODEM modulo 16384.
 *
 * Where a key has a non-empty hash tag, the part between its first `{` and the next `}`, only the
 * tag is hashed: `{user:1}:name` and `{user:1}:mail` share a slot.
 *
 * Source: Redis Cluster specification, "Key distribution model" and "Hash tags".
 *
 * @param key text, as its UTF-8 bytes (a lone surrogate as U+FFFD), or bytes.
 * @returns an integer from 0 to 16383: `redisSlot("123456789") === 12739`.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function redisSlot(key: Key): number {
  return typeof key === "string" ? slotOfText(key) : hashKey(key, slotOfBytes, undefined);
}

function slotOfText(text: string): number {
  const open = text.indexOf("{");
  const close = open < 0 ? -1 : text.indexOf("}", open);
  const tagged = close > open + 1;
  const to = tagged ? close : text.length;
  let crc = 0;
  let all = 0;
  for (let at = tagged ? open + 1 : 0; at < to; at++) {
    const code = text.charCodeAt(at);
    all |= code;
    crc = step(crc, code);
  }
  return all > 0x7f ? hashKey(text, slotOfBytes, undefined) : crc & 16383;
}

function slotOfBytes(bytes: DataView, length: number): number {
  const open = find("{", bytes, 0, length);
  const close = find("}", bytes, open, length);
  const tagged = close < length && close > open + 1;
  const to = tagged ? close : length;
  let crc = 0;
  for (let at = tagged ? open + 1 : 0; at < to; at++) crc = step(crc, bytes.getUint8(at));
  return crc & 16383;
}

/** Where the character first stands; `to` when it does not. */
function find(character: string, bytes: DataView, from: number, to: number): number {
  const code = character.charCodeAt(0);
  let at = from;
  while (at < to && bytes.getUint8(at) !== code) at += 1;
  return at;
}

/** CRC-16 with the polynomial x^16 + x^12 + x^5 + 1, a byte at a time, high bit first. */
const TABLE: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
  return crc;
});

function step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (TABLE[((crc >>> 8) ^ byte) & 0xff] as number);
}
