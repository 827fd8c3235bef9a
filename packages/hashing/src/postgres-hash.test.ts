import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, notKeys, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import {
  hashint4,
  hashint4extended,
  hashint8,
  hashint8extended,
  hashtext,
  hashtextextended,
  uuidHash,
  uuidHashExtended,
} from "./postgres-hash.ts";

// Thousands of values more, against a live server: test/integration/postgres-hash.test.ts.

const UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

test("PostgreSQL 15 gives the same hashes", () => {
  expect(hashtext("user:123")).toBe(735365154);
  expect(hashtextextended("user:123", 0)).toBe(1433892716748785698n);
  expect(hashtextextended("日本", 0)).toBe(7883373450178899670n);
  expect(hashint8(42)).toBe(1509752520);
  expect(hashint8extended(42, 0)).toBe(8010225493015854792n);
  expect(hashint8extended(-1, 0)).toBe(-1888257769727981238n);
  expect(uuidHashExtended(UUID, 0)).toBe(7543054272012930821n);
});

const int32 = fc.integer();
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const masks = fc.integer({ min: 0, max: 31 }).map((bits) => 2 ** bits - 1);

test("the short hash gives the bucket of the long one with seed 0", () => {
  fc.assert(
    fc.property(anyText, int32, int64, fc.uuid(), masks, (text, int4, int8, uuid, mask) => {
      const bucket = (hash: bigint): number => Number(hash & BigInt(mask));
      expect(hashtext(text) & mask).toBe(bucket(hashtextextended(text)));
      expect(hashint4(int4) & mask).toBe(bucket(hashint4extended(int4)));
      expect(hashint8(int8) & mask).toBe(bucket(hashint8extended(int8)));
      expect(uuidHash(uuid) & mask).toBe(bucket(uuidHashExtended(uuid)));
    }),
  );
});

test("an int8 has the hash of the int4 of the same value, and a bigint that of the same number", () => {
  fc.assert(
    fc.property(int32, fc.maxSafeInteger(), int64, (small, large, seed) => {
      expect(hashint8(small)).toBe(hashint4(small));
      expect(hashint8extended(small, seed)).toBe(hashint4extended(small, seed));
      expect(hashint8(BigInt(large))).toBe(hashint8(large));
      expect(hashint8extended(1, BigInt(large))).toBe(hashint8extended(1, large));
    }),
  );
});

test("bytes have the hash of the text they encode", () => {
  fc.assert(
    fc.property(anyText, int64, (text, seed) => {
      expect(hashtext(utf8(text))).toBe(hashtext(text));
      expect(hashtextextended(utf8(text), seed)).toBe(hashtextextended(text, seed));
    }),
  );
});

describe("refuses", () => {
  test.each(notKeys)("the key %s", (key) => {
    expect(() => hashtext(key as Key)).toThrow(TypeError);
    expect(() => hashtextextended(key as Key)).toThrow(TypeError);
  });

  test("a number that may have been rounded, and says to use a bigint", () => {
    const message =
      "An int8 must be an integer, beyond 2^53 a bigint, got the number 9007199254740992";
    expect(() => hashint8(2 ** 53)).toThrow(new RangeError(message));
    expect(hashint8(2n ** 53n)).not.toBe(hashint8(2n ** 53n + 1n));
  });

  test.each([Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2n ** 63n, -(2n ** 63n) - 1n])(
    "the int8 and the seed %s",
    (value) => {
      expect(() => hashint8(value)).toThrow(RangeError);
      expect(() => hashint8extended(value)).toThrow(RangeError);
      expect(() => hashint8extended(1, value)).toThrow(RangeError);
      expect(() => hashint4extended(1, value)).toThrow(RangeError);
      expect(() => hashtextextended("a", value)).toThrow(RangeError);
      expect(() => uuidHashExtended(UUID, value)).toThrow(RangeError);
    },
  );

  test.each([2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN])("the int4 %s", (value) => {
    expect(() => hashint4(value)).toThrow(RangeError);
    expect(() => hashint4extended(value)).toThrow(RangeError);
  });

  test.each(["42", undefined, null, {}])("the int4, int8 and seed %j, of another type", (value) => {
    expect(() => hashint4(value as never)).toThrow(TypeError);
    expect(() => hashint8(value as never)).toThrow(TypeError);
    expect(() => hashint8extended(1, (value ?? null) as never)).toThrow(TypeError);
  });

  test("the int4 of a bigint: it would be an int8", () => {
    expect(() => hashint4(1n as never)).toThrow(TypeError);
  });

  test("a UUID of another form", () => {
    expect(() => uuidHash("a0eebc99")).toThrow(RangeError);
    expect(() => uuidHashExtended(UUID.replaceAll("-", ""))).toThrow(RangeError);
  });
});
