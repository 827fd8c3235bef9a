import { xxh64 as reference } from "@node-rs/xxhash";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, MEGABYTE, notKeys, smhasherVerification, textOf, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import { xxh64, xxh64Halves } from "./xxh64.ts";

const seeds = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("agrees with the reference", () => {
  test("on the empty text", () => {
    expect(xxh64("")).toBe(0xef46db3751d8e999n);
  });

  // vitessio/vitess, xxhash_test.go: the hash's bytes, the lowest first.
  test.each([
    ["test1", "d01ab7e4d6978f0b"],
    ["test2", "87eb11714c0a0e89"],
    ["testaverylongvaluetomakesurethisworks", "81d8c38e0d850e6a"],
    ["1", "d46405367612b4b7"],
  ])("on %j as Vitess has it", (text, expected) => {
    expect(BigInt.asIntN(64, xxh64(text))).toBe(Buffer.from(expected, "hex").readBigInt64LE());
  });

  test("on bytes of every length from 0 to 255", () => {
    expect(smhasherVerification(8, (key, seed) => xxh64(key, seed))).toBe(0x024b7cf4);
  });

  test("on any bytes of every length from 0 to 64, with any seed", () => {
    for (let length = 0; length <= 64; length++) {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      fc.assert(
        fc.property(bytes, seeds, (key, seed) => {
          expect(xxh64(key, seed)).toBe(reference(key, seed));
        }),
        { numRuns: 20 },
      );
    }
  });

  test("on the UTF-8 bytes of any text, lone surrogates counting as U+FFFD", () => {
    fc.assert(
      fc.property(anyText, seeds, (text, seed) => {
        expect(xxh64(text, seed)).toBe(reference(utf8(text), seed));
      }),
      { numRuns: 1000 },
    );
  });

  test.each(["ascii", "mixed"] as const)("on 1 MB of %s text", (kind) => {
    const text = textOf(MEGABYTE, kind);
    expect(xxh64(text, 7)).toBe(reference(utf8(text), 7n));
  });
});

test("the halves are those of the bigint", () => {
  fc.assert(
    fc.property(anyText, seeds, (text, seed) => {
      const { low, high } = xxh64Halves(text, seed);
      expect((BigInt(high) << 32n) | BigInt(low)).toBe(xxh64(text, seed));
    }),
  );
});

test("a seed may be a number, and counts modulo 2^64", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (seed) => {
      expect(xxh64("key", seed)).toBe(xxh64("key", BigInt.asUintN(64, BigInt(seed))));
    }),
  );
});

test.each(notKeys)("refuses the key %s", (key) => {
  expect(() => xxh64(key as Key)).toThrow(TypeError);
  expect(() => xxh64Halves(key as Key)).toThrow(TypeError);
});

test.each(["x", "7", Number.NaN, 0.5, 2 ** 53, null])("refuses the seed %s", (seed) => {
  expect(() => xxh64("a", seed as number)).toThrow(
    new TypeError(`A seed must be an integer, beyond 2^53 a bigint, got ${seed}`),
  );
  expect(() => xxh64Halves("a", seed as number)).toThrow(TypeError);
});
