import { describe, expect, test } from "vitest";
import { heldOf, request } from "../../test/local-stores.ts";
import type { LocalStore } from "../local-store.ts";
import { s3fifo } from "./s3fifo.ts";

const open = (maxEntries: number): LocalStore<object> =>
  s3fifo({ maxEntries, maxBytes: Number.POSITIVE_INFINITY });

/** `"k0 k1 …"`, from `from` up to and without `to`. */
const keys = (prefix: string, from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `${prefix}${from + index}`).join(" ");

test("what is never read again goes first and leaves what is", () => {
  const store = open(20);
  request(store, keys("good", 0, 18));
  request(store, keys("good", 0, 18));
  request(store, keys("once", 0, 1000));
  expect(heldOf(store, keys("good", 0, 18))).toBe(keys("good", 0, 18));
});

test("what comes again soon after it was let go is kept for longer", () => {
  const store = open(20);
  request(store, keys("k", 0, 21)); // k0 goes, and is noted
  expect(heldOf(store, "k0")).toBe("");
  request(store, "k0");
  request(store, keys("once", 0, 1000));
  expect(heldOf(store, "k0")).toBe("k0");
});

test("what comes again long after it was let go is new", () => {
  const store = open(20);
  request(store, keys("k", 0, 21));
  request(store, keys("once", 0, 30));
  request(store, "k0");
  request(store, keys("another", 0, 20));
  expect(heldOf(store, "k0")).toBe("");
});

test("in the main queue each read buys one more round, up to three", () => {
  const store = open(10);
  // Ten in the main queue: each was read in the small one, and the next one let it move on.
  for (const key of keys("k", 0, 10).split(" ")) request(store, `${key} ${key}`);
  request(store, "x x y y"); // k0 and k1 go
  for (let times = 0; times < 50; times++) request(store, "k2");
  request(store, "k3");
  const rounds = { k2: 0, k3: 0 };
  for (let index = 0; index < 200; index++) {
    request(store, `n${index} n${index}`);
    if (store.peek("k2") !== undefined) rounds.k2 = index;
    if (store.peek("k3") !== undefined) rounds.k3 = index;
  }
  expect(rounds.k3).toBeGreaterThan(5);
  expect(rounds.k2).toBeGreaterThan(2 * rounds.k3);
  expect(rounds.k2).toBeLessThan(60);
});

describe("with a limit of bytes", () => {
  test("a scan of small entries leaves the large ones that are read", () => {
    const store = s3fifo<object>({ maxEntries: 10_000, maxBytes: 1000 });
    for (const key of keys("good", 0, 8).split(" ")) {
      store.set(key, {}, 100);
      store.get(key);
    }
    for (let index = 0; index < 1000; index++) store.set(`once${index}`, {}, 20);
    expect(heldOf(store, keys("good", 0, 8))).toBe(keys("good", 0, 8));
    expect(store.bytes).toBeLessThanOrEqual(1000);
  });

  test("an entry of nearly all bytes is taken, after all others are gone", () => {
    const store = s3fifo<object>({ maxEntries: 100, maxBytes: 100 });
    for (let index = 0; index < 20; index++) {
      store.set(`k${index}`, {}, 5);
      for (let times = 0; times < 3; times++) store.get(`k${index}`);
    }
    store.set("large", {}, 99);
    expect([store.size, store.bytes, store.evictions]).toEqual([1, 99, 20]);
  });
});
