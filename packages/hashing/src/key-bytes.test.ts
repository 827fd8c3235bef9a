import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, utf8 } from "../test/texts.ts";
import { hashKey, tailWord } from "./key-bytes.ts";

/** A "hash" that is what it was given. */
function copy(bytes: DataView, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => bytes.getUint8(at));
}

test("the bytes of a text are those of TextEncoder, for every kind of text", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(hashKey(text, copy, undefined)).toEqual(utf8(text));
    }),
  );
});

test("bytes are themselves, wherever in their buffer they begin", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(9), (bytes, start) => {
      expect(hashKey(bytes.subarray(start), copy, undefined)).toEqual(bytes.slice(start));
    }),
  );
  expect(hashKey(Buffer.from("abc"), copy, undefined)).toEqual(utf8("abc"));
});

test("bytes of another realm are bytes", () => {
  const foreign: Uint8Array = runInNewContext("Uint8Array.of(1, 2, 3)");
  expect(foreign instanceof Uint8Array).toBe(false);
  expect(hashKey(foreign, copy, undefined)).toEqual(Uint8Array.of(1, 2, 3));
});

test("a key is whole at every length around the size of the shared array", () => {
  for (let length = 1360; length <= 1370; length++) {
    const text = "☃".repeat(length);
    expect(hashKey(text, copy, undefined)).toEqual(utf8(text));
    const bytes = utf8(text).subarray(1);
    expect(hashKey(bytes, copy, undefined)).toEqual(bytes.slice());
  }
});

test("a long key leaves no large array behind", () => {
  const size = (bytes: DataView): number => bytes.buffer.byteLength;
  const before = hashKey("é", size, undefined);
  hashKey("é".repeat(2 ** 20), size, undefined);
  hashKey(new Uint8Array(2 ** 20), size, undefined);
  expect(hashKey("é", size, undefined)).toBe(before);
  expect(before).toBeLessThanOrEqual(8192);
});

test("what is left of the bytes is a little-endian word", () => {
  const bytes = new DataView(Uint8Array.of(0x11, 0x22, 0x33, 0x44).buffer);
  const tails = [0, 1, 2, 3].map((count) => tailWord(bytes, 1, 1 + count));
  expect(tails).toEqual([0, 0x22, 0x33_22, 0x44_33_22]);
});
