import fc from "fast-check";
import { expect, test } from "vitest";
import { highHalf, lowHalf, multiplyHigh, toInt64, toUint64 } from "./int64.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test("the halves of an int64 make it up again", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(toInt64(lowHalf(value), highHalf(value))).toBe(value);
      expect(toUint64(lowHalf(value), highHalf(value))).toBe(BigInt.asUintN(64, value));
    }),
  );
});

test("a number has the halves of the same bigint", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(lowHalf(value)).toBe(lowHalf(BigInt(value)));
      expect(highHalf(value)).toBe(highHalf(BigInt(value)));
    }),
  );
});

test("the high half of a product is that of BigInt", () => {
  fc.assert(
    fc.property(uint32, uint32, (a, b) => {
      expect(multiplyHigh(a, b) >>> 0).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
    }),
  );
  expect(multiplyHigh(2 ** 32 - 1, 2 ** 32 - 1) >>> 0).toBe(2 ** 32 - 2);
});
