import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, utf8 } from "../test/texts.ts";
import { asciiTail, asciiWord, byteTail, byteWord, hashUtf8, tailOf, wordOf } from "./utf8.ts";

const ascii = fc.string({ unit: "binary-ascii", minLength: 4, maxLength: 4 });
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0xffff })), {
    minLength: 4,
    maxLength: 4,
  })
  .map((codes) => String.fromCharCode(...codes));

test("a word of ASCII is the word of its bytes", () => {
  fc.assert(
    fc.property(ascii, (text) => {
      expect(asciiWord(text, 0)).toBe(byteWord(utf8(text), 0));
      expect(wordOf(text, 0)).toBe(wordOf(utf8(text), 0));
      for (let at = 1; at <= 5; at++) {
        expect(asciiTail(text, at)).toBe(byteTail(utf8(text), at, 4));
        expect(tailOf(text, at, 4)).toBe(tailOf(utf8(text), at, 4));
      }
    }),
  );
});

test("a word is negative exactly when one of its characters is not ASCII", () => {
  const isAscii = (text: string): boolean => utf8(text).length === text.length;
  fc.assert(
    fc.property(units, (text) => {
      expect(asciiWord(text, 0) >= 0).toBe(isAscii(text));
      for (let at = 1; at <= 4; at++) {
        expect(asciiTail(text, at) >= 0).toBe(isAscii(text.slice(at)));
      }
    }),
  );
});

const copy = (bytes: Uint8Array, length: number): Uint8Array => bytes.slice(0, length);

test("the bytes are those of TextEncoder, for every kind of text", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(hashUtf8(text, copy, undefined)).toEqual(utf8(text));
    }),
  );
});

test("the bytes of a text are whole at every length around the size of the shared array", () => {
  for (let length = 1360; length <= 1370; length++) {
    const text = "☃".repeat(length);
    expect(hashUtf8(text, copy, undefined)).toEqual(utf8(text));
  }
});

test("a long text leaves no large array behind", () => {
  const size = (bytes: Uint8Array): number => bytes.buffer.byteLength;
  const before = hashUtf8("é", size, undefined);
  hashUtf8("é".repeat(2 ** 20), size, undefined);
  expect(hashUtf8("é", size, undefined)).toBe(before);
  expect(before).toBeLessThanOrEqual(8192);
});
