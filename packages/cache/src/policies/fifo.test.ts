import { expect, test } from "vitest";
import { heldOf, request } from "../../test/local-stores.ts";
import { fifo } from "./fifo.ts";

const limits = { maxEntries: 3, maxBytes: Number.POSITIVE_INFINITY };

test("the oldest goes, however often it is read", () => {
  const store = fifo<object>(limits);
  request(store, "a b c a a a d");
  expect(heldOf(store, "a b c d")).toBe("b c d");
});

test("what is replaced stays as old as it was; what is deleted and set again is new", () => {
  const store = fifo<object>(limits);
  request(store, "a b c");
  store.set("a", {}, 1);
  store.delete("b");
  request(store, "b d");
  expect(heldOf(store, "a b c d")).toBe("b c d");
});
