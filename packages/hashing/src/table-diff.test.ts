import { expect, test } from "vitest";
import { bucketsFromJson, createBuckets } from "./buckets.ts";
import { createMaglev } from "./maglev.ts";
import { diffBuckets, diffMaglev } from "./table-diff.ts";

const nodes = [
  { id: "a", weight: 1 },
  { id: "b", weight: 1 },
];

test("names each bucket that moves, from whom and to whom", () => {
  const before = bucketsFromJson({ hash: "murmur3", nodes, table: [0, 0, 1, 1] });
  const after = bucketsFromJson({ hash: "murmur3", nodes, table: [0, 1, 1, 0] });
  expect(diffBuckets(before, after)).toEqual({
    share: 0.5,
    moves: [
      { bucket: 1, from: "a", to: "b" },
      { bucket: 3, from: "b", to: "a" },
    ],
  });
});

test("between equal tables nothing moves, whatever values stand for the nodes", () => {
  const buckets = createBuckets(["a", "b"]);
  expect(diffBuckets(buckets, createBuckets(nodes))).toEqual({ share: 0, moves: [] });
});

test("when all goes to another node, all of the table moves", () => {
  const { share, moves } = diffMaglev(
    createMaglev(["a"], { size: 7 }),
    createMaglev(["b"], { size: 7 }),
  );
  expect(share).toBe(1);
  expect(moves[6]).toEqual({ entry: 6, from: "a", to: "b" });
});

test("buckets and maglev are not compared, though their tables be of one size", () => {
  const buckets = createBuckets(["a"], { size: 2 });
  const maglev = createMaglev(["a"], { size: 2 });
  const message = 'Both tables must be of kind "buckets", got "maglev"';
  // @ts-expect-error the compiler refuses it too
  expect(() => diffBuckets(buckets, maglev)).toThrow(new TypeError(message));
  // @ts-expect-error the compiler refuses it too
  expect(() => diffBuckets(maglev, maglev)).toThrow(TypeError);
  // @ts-expect-error the compiler refuses it too
  expect(() => diffMaglev(maglev, buckets)).toThrow(TypeError);
});

test("tables of different sizes are not compared", () => {
  const small = createBuckets(["a"], { size: 2 });
  expect(() => diffBuckets(small, createBuckets(["a"]))).toThrow(
    new RangeError("Tables must have the same size, got 2 and 4096"),
  );
});
