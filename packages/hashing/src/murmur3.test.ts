import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, MEGABYTE, notKeys, smhasherVerification, textOf, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import { murmur3, murmur3Int32 } from "./murmur3.ts";

describe("agrees with the reference", () => {
  test.each([
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["test", 0, 0xba6bd213],
    ["test", 0x9747b28c, 0x704b81dc],
    ["Hello, world!", 0, 0xc0363e43],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
  ])("on %j with seed %d", (text, seed, expected) => {
    expect(murmur3(text, seed)).toBe(expected);
    expect(murmur3(utf8(text), seed)).toBe(expected);
  });

  test("on bytes of every length from 0 to 255", () => {
    expect(smhasherVerification(4, (key, seed) => BigInt(murmur3(key, seed)))).toBe(0xb0f57ee3);
  });
});

test("a text has the hash of its UTF-8 bytes, lone surrogates counting as U+FFFD", () => {
  fc.assert(
    fc.property(anyText, fc.integer(), (text, seed) => {
      expect(murmur3(text, seed)).toBe(murmur3(utf8(text), seed));
    }),
  );
  expect(murmur3("a\ud800")).toBe(murmur3("a\ufffd"));
});

test("a text of every length up to 80 has the hash of its bytes, ASCII or not", () => {
  for (let length = 0; length <= 80; length++) {
    for (const text of [textOf(length, "ascii"), `${textOf(length, "ascii")}é`]) {
      expect(murmur3(text, length)).toBe(murmur3(utf8(text), length));
    }
  }
});

test("the int32 is the same bits", () => {
  fc.assert(
    fc.property(anyText, fc.integer(), (text, seed) => {
      expect(murmur3Int32(text, seed)).toBe(murmur3(text, seed) | 0);
    }),
  );
});

test("a key of 1 MB is hashed whole", () => {
  for (const kind of ["ascii", "mixed"] as const) {
    const text = textOf(MEGABYTE, kind);
    expect(murmur3(text)).toBe(murmur3(utf8(text)));
    expect(murmur3(text)).not.toBe(murmur3(`${text.slice(0, -1)}\n`));
  }
});

test("the seed counts modulo 2^32", () => {
  expect(murmur3("key", -1)).toBe(murmur3("key", 2 ** 32 - 1));
});

test.each(notKeys)("refuses the key %s", (key) => {
  expect(() => murmur3(key as Key)).toThrow(TypeError);
});
