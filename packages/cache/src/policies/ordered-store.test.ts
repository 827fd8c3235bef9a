import { expect, test } from "vitest";
import { heldOf } from "../../test/local-stores.ts";
import { type EvictionOrder, OrderedStore } from "./ordered-store.ts";
import type { Slot } from "./slot.ts";

// The rest of the interface, with every order: ../local-store-by-policy.test.ts.

/** Lets the smallest key go first, and notes what it is told. */
class Alphabetical implements EvictionOrder<object> {
  readonly told: string[] = [];
  #slots: Slot<object>[] = [];

  add(slot: Slot<object>): void {
    this.told.push(`add ${slot.key}`);
    this.#slots.push(slot);
    this.#slots.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  use(slot: Slot<object>): void {
    this.told.push(`use ${slot.key}`);
  }

  remove(slot: Slot<object>): void {
    this.told.push(`remove ${slot.key}`);
    this.#slots = this.#slots.filter((each) => each !== slot);
  }

  resize(slot: Slot<object>, bytes: number): void {
    this.told.push(`resize ${slot.key} from ${slot.bytes} to ${bytes}`);
  }

  evict(): Slot<object> | undefined {
    return this.#slots.shift();
  }

  clear(): void {
    this.#slots = [];
  }
}

test("the order is told of each use, and not of a peek", () => {
  const order = new Alphabetical();
  const store = new OrderedStore(order, { maxEntries: 5, maxBytes: 100 });
  store.set("a", {}, 1);
  store.get("a");
  store.peek("a");
  store.get("b");
  store.delete("a");
  expect(order.told).toEqual(["add a", "use a", "remove a"]);
});

test("an entry that is replaced keeps its place", () => {
  const order = new Alphabetical();
  const store = new OrderedStore(order, { maxEntries: 5, maxBytes: 100 });
  store.set("a", {}, 1);
  store.set("a", {}, 100);
  expect(order.told).toEqual(["add a", "resize a from 1 to 100"]);
});

test("a growing entry that is next to go comes in again, and others go", () => {
  const order = new Alphabetical();
  const store = new OrderedStore(order, { maxEntries: 5, maxBytes: 10 });
  for (const key of ["a", "b", "c"]) store.set(key, {}, 3);
  store.set("a", {}, 6);
  expect(heldOf(store, "a b c")).toBe("a c");
  expect(order.told.at(-1)).toBe("add a");
  store.set("d", {}, 1);
  expect([store.size, store.bytes, store.evictions]).toEqual([3, 10, 1]);
});

test("the newest is never its own victim", () => {
  const store = new OrderedStore(new Alphabetical(), { maxEntries: 2, maxBytes: 10 });
  for (const key of ["c", "b", "a"]) store.set(key, {}, 1);
  expect(heldOf(store, "a b c")).toBe("a c");
});
