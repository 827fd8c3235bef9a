import { xxh32 as reference } from "@node-rs/xxhash";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, MEGABYTE, notKeys, smhasherVerification, textOf, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import { xxh32 } from "./xxh32.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("agrees with the reference", () => {
  test.each([
    ["", 0x02cc5d05],
    ["a", 0x550d7456],
    ["abc", 0x32d153ff],
  ])("on %j", (text, expected) => {
    expect(xxh32(text)).toBe(expected);
  });

  test("on bytes of every length from 0 to 255", () => {
    expect(smhasherVerification(4, (key, seed) => BigInt(xxh32(key, seed)))).toBe(0xba88b743);
  });

  test("on any bytes of every length from 0 to 64, with any seed", () => {
    for (let length = 0; length <= 64; length++) {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      fc.assert(
        fc.property(bytes, seeds, (key, seed) => {
          expect(xxh32(key, seed)).toBe(reference(key, seed));
        }),
        { numRuns: 20 },
      );
    }
  });

  test("on the UTF-8 bytes of any text, lone surrogates counting as U+FFFD", () => {
    fc.assert(
      fc.property(anyText, seeds, (text, seed) => {
        expect(xxh32(text, seed)).toBe(reference(utf8(text), seed));
      }),
      { numRuns: 1000 },
    );
  });

  test.each(["ascii", "mixed"] as const)("on 1 MB of %s text", (kind) => {
    const text = textOf(MEGABYTE, kind);
    expect(xxh32(text, 7)).toBe(reference(utf8(text), 7));
  });
});

test("the seed counts modulo 2^32", () => {
  expect(xxh32("key", -1)).toBe(xxh32("key", 2 ** 32 - 1));
});

test.each(notKeys)("refuses the key %s", (key) => {
  expect(() => xxh32(key as Key)).toThrow(TypeError);
});
