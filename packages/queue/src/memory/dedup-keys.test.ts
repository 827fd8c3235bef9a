import { expect, test } from "vitest";
import { DedupKeys } from "./dedup-keys.ts";

const rule = { key: "photo", windowMs: undefined };

test("a key is its job's until that ends", () => {
  const keys = new DedupKeys();
  expect(keys.ownerOf(rule, 0)).toBeUndefined();
  keys.take(rule, "a", 0);
  expect(keys.ownerOf(rule, 1e12)).toBe("a");
  expect(keys.ownerOf({ ...rule, key: "other" }, 0)).toBeUndefined();
  keys.release(rule, "a");
  expect(keys.ownerOf(rule, 0)).toBeUndefined();
});

test("after its window it is free, and the old job's end does not free it from the new one", () => {
  const keys = new DedupKeys();
  keys.take({ ...rule, windowMs: 100 }, "a", 0);
  expect(keys.ownerOf(rule, 99)).toBe("a");
  expect(keys.ownerOf(rule, 100)).toBeUndefined();
  keys.take(rule, "b", 100);
  keys.release(rule, "a");
  expect(keys.ownerOf(rule, 200)).toBe("b");
});
