import { expect, test } from "vitest";
import { heldOf, request } from "../../test/local-stores.ts";
import { lru } from "./lru.ts";

const limits = { maxEntries: 3, maxBytes: Number.POSITIVE_INFINITY };

test("the one goes whose last read is longest ago", () => {
  const store = lru(limits);
  request(store, "a b c a d");
  expect(heldOf(store, "a b c d")).toBe("a c d");
});

test("a peek is no read", () => {
  const store = lru(limits);
  request(store, "a b c");
  store.peek("a");
  request(store, "d");
  expect(heldOf(store, "a b c d")).toBe("b c d");
});

test("sizes are added up although nothing limits them", () => {
  const store = lru(limits);
  store.set("a", {}, 2 ** 40);
  store.set("b", {}, 5);
  expect(store.bytes).toBe(2 ** 40 + 5);
});
