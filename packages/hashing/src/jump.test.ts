import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys, sequentialKeys } from "../test/chi-square.ts";
import { jump, jumpOfHalves } from "./jump.ts";

describe("published vectors", () => {
  // dgryski/go-jump, jump_test.go: the bucket among 1, 2, 3, … buckets.
  test.each([
    [1n, [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17]],
    [0xdeadbeefn, [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]],
    [0x0ddc0ffeebadf00dn, [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15]],
  ])("go-jump places %d as the paper's code does", (key, expected) => {
    expect(expected.map((_, index) => jump(key, index + 1))).toEqual(expected);
  });

  // google/guava, HashingTest.java.
  test("Guava places 0 to 19 among 100 alike", () => {
    const placed = Array.from({ length: 20 }, (_, key) => jump(BigInt(key), 100));
    expect(placed).toEqual([
      0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83,
    ]);
  });

  test.each([
    [10863919174838991n, 11, 6],
    [2016238256797177309n, 11, 3],
    [1673758223894951030n, 11, 5],
    [2n, 100001, 80343],
    [2201n, 100001, 22152],
    [2202n, 100001, 15018],
    // ClickHouse, jumpConsistentHash.
    [42n, 57, 43],
    [256n, 1024, 520],
    [0xdead10ccn, 666, 361],
  ])("jump(%d, %d) is %d", (key, buckets, expected) => {
    expect(jump(key, buckets)).toBe(expected);
  });
});

/** Figure 1 of the paper, with 64-bit integers. */
function jumpOfThePaper(key: bigint, buckets: number): number {
  let state = BigInt.asUintN(64, key);
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)));
  }
  return bucket;
}

const hash64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bucketCount = fc.integer({ min: 1, max: 2 ** 31 - 1 });

test("two 32-bit halves compute what 64-bit integers would", () => {
  fc.assert(
    fc.property(hash64, bucketCount, (key, buckets) => {
      expect(jump(key, buckets)).toBe(jumpOfThePaper(key, buckets));
    }),
    { numRuns: 2000 },
  );
});

test("the step whose lower half comes out as 0 carries into the upper half", () => {
  // low · 2862933555777941757 ≡ −1 (mod 2^32), the one low half in 2^32 for which that is so.
  const low = 0x666313abn;
  expect(BigInt.asUintN(32, low * 2862933555777941757n + 1n)).toBe(0n);
  for (let high = 0n; high < 64n; high++) {
    const key = (high << 32n) | low;
    expect(jump(key, 2 ** 31 - 1)).toBe(jumpOfThePaper(key, 2 ** 31 - 1));
  }
});

test("halves may be signed or not", () => {
  expect(jumpOfHalves(-1, -2, 1000)).toBe(jumpOfHalves(0xffff_ffff, 0xffff_fffe, 1000));
  expect(jump(-1n, 1000)).toBe(jump(2n ** 64n - 1n, 1000));
});

test("one more bucket takes keys for itself and moves no other", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 5000 }), (key, buckets) => {
      const after = jump(key, buckets + 1);
      expect([jump(key, buckets), buckets]).toContain(after);
    }),
  );
});

describe.each([
  ["random", randomKeys(131_072, 7)],
  ["sequential", sequentialKeys(131_072)],
])("%s keys", (_, keys) => {
  test.each([10, 100, 1000])(
    "are spread over %d buckets as evenly as chance (quantile 0.9999)",
    (buckets) => {
      const counts = new Array<number>(buckets).fill(0);
      for (const key of keys) {
        const bucket = jump(key, buckets);
        counts[bucket] = (counts[bucket] as number) + 1;
      }
      const expected = counts.map(() => keys.length / buckets);
      expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(buckets - 1));
    },
  );
});

test("places text alike in every release", () => {
  expect(["", "user:1", "日本"].map((key) => jump(key, 1000))).toEqual([262, 44, 859]);
});

test("text and its bytes are placed alike", () => {
  expect(jump(new TextEncoder().encode("żółw"), 1000)).toBe(jump("żółw", 1000));
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 31])("%d buckets are refused", (buckets) => {
  expect(() => jump("key", buckets)).toThrow(
    new RangeError(`buckets must be an integer from 1 to 2^31 - 1, got ${buckets}`),
  );
});

test("a number is not a key", () => {
  expect(() => jump(42 as unknown as string, 10)).toThrow(TypeError);
});
