import { describe, expect, test } from "vitest";
import { heldOf, request } from "../../test/local-stores.ts";
import { lfu } from "./lfu.ts";

const limits = { maxEntries: 3, maxBytes: Number.POSITIVE_INFINITY };

test("the one goes that was read least, however long ago", () => {
  const store = lfu<object>(limits);
  request(store, "a a a b b c d");
  expect(heldOf(store, "a b c d")).toBe("a b d");
});

test("among equals the one whose last read is longest ago", () => {
  const store = lfu<object>(limits);
  request(store, "a b c b a c d");
  expect(heldOf(store, "a b c d")).toBe("a c d");
});

test("to be replaced is not to be read", () => {
  const store = lfu<object>(limits);
  request(store, "a b b c c");
  for (let times = 0; times < 9; times++) store.set("a", {}, 1);
  request(store, "d");
  expect(heldOf(store, "a b c d")).toBe("b c d");
});

describe("ageing", () => {
  test("an old favourite that nobody reads any more leaves", () => {
    const store = lfu<object>({ ...limits, maxEntries: 10 });
    for (let times = 0; times < 1000; times++) request(store, "favourite");
    const others = Array.from({ length: 9 }, (_, index) => `k${index}`).join(" ");
    // Each halving takes ten accesses an entry; after four of them its count is 1.
    for (let round = 0; round < 60; round++) request(store, others);
    request(store, "new1");
    expect(store.peek("favourite")).toBeUndefined();
  });

  test("one that is read on stays, whatever else comes", () => {
    const store = lfu<object>({ ...limits, maxEntries: 10 });
    request(store, "favourite favourite");
    for (let index = 0; index < 10_000; index++) {
      request(store, `once${index}`);
      if (index % 5 === 0) expect(store.get("favourite")).toBeDefined();
    }
  });

  test("counts that were halved are still in order", () => {
    const store = lfu<object>({ ...limits, maxEntries: 4 });
    request(store, "a b c d");
    for (let times = 0; times < 12; times++) request(store, "a");
    for (let times = 0; times < 6; times++) request(store, "b");
    for (let times = 0; times < 3; times++) request(store, "c");
    for (let times = 0; times < 40; times++) request(store, "d"); // at least one halving
    request(store, "e");
    expect(heldOf(store, "a b c d")).toBe("a b d");
    store.delete("e");
    request(store, "f f f f f f f f g");
    expect(heldOf(store, "a b c d")).toBe("a d");
  });
});
