import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EvictionPolicy, LocalStore } from "./local-store.ts";
import { createLocalStore } from "./local-store-by-policy.ts";

interface Entry {
  readonly name: string;
}

const policies: EvictionPolicy[] = ["lru", "lfu", "fifo", "s3fifo"];
const entry = (name: string): Entry => ({ name });

describe.each(policies)("%s", (policy) => {
  const open = (maxEntries: number, maxBytes = Number.POSITIVE_INFINITY): LocalStore<Entry> =>
    createLocalStore(policy, { maxEntries, maxBytes });

  test("gives back what was set last, the same object", () => {
    const store = open(10);
    const [first, second] = [entry("1"), entry("2")];
    store.set("a", first, 5);
    expect(store.get("a")).toBe(first);
    store.set("a", second, 7);
    expect(store.get("a")).toBe(second);
    expect(store.peek("a")).toBe(second);
    expect([store.size, store.bytes, store.evictions]).toEqual([1, 7, 0]);
  });

  test("knows nothing of a key that was deleted, or never set", () => {
    const store = open(10);
    store.set("a", entry("a"), 5);
    expect(store.delete("a")).toBe(true);
    expect(store.delete("a")).toBe(false);
    expect(store.get("a")).toBeUndefined();
    expect(store.peek("b")).toBeUndefined();
    expect([store.size, store.bytes, store.evictions]).toEqual([0, 0, 0]);
  });

  test("holds as many entries as it may, and counts who was pushed out", () => {
    const store = open(3);
    for (let index = 0; index < 10; index++) store.set(`k${index}`, entry("x"), 1);
    expect([store.size, store.bytes, store.evictions]).toEqual([3, 3, 7]);
    expect(store.peek("k9")).toBeDefined();
  });

  test("works with room for a single entry", () => {
    const store = open(1);
    for (const key of ["a", "b", "a", "a", "c"]) {
      store.set(key, entry(key), 1);
      expect(store.get(key)).toEqual(entry(key));
      expect(store.size).toBe(1);
    }
    expect(store.evictions).toBe(3);
  });

  test("holds as many bytes as it may", () => {
    const store = open(100, 10);
    store.set("a", entry("a"), 4);
    store.set("b", entry("b"), 4);
    store.set("c", entry("c"), 10);
    expect([store.size, store.bytes, store.evictions]).toEqual([1, 10, 2]);
    expect(store.get("c")).toEqual(entry("c"));
  });

  test("does not take an entry over the limit of bytes, nor keeps what it was to replace", () => {
    const store = open(100, 10);
    store.set("a", entry("a"), 4);
    store.set("b", entry("b"), 4);
    store.set("a", entry("too large"), 11);
    expect(store.get("a")).toBeUndefined();
    expect(store.get("b")).toEqual(entry("b"));
    expect([store.size, store.bytes, store.evictions]).toEqual([1, 4, 0]);
  });

  test("an entry that grows pushes out others and stays", () => {
    const store = open(100, 10);
    for (const key of ["a", "b", "c", "d", "e"]) store.set(key, entry(key), 2);
    store.set("a", entry("grown"), 9);
    expect(store.get("a")).toEqual(entry("grown"));
    expect([store.size, store.bytes, store.evictions]).toEqual([1, 9, 4]);
  });

  test("is empty after clear, and as good as new", () => {
    const store = open(2);
    for (const key of ["a", "b", "c"]) store.set(key, entry(key), 1);
    store.clear();
    expect([store.size, store.bytes]).toEqual([0, 0]);
    expect(store.get("c")).toBeUndefined();
    for (const key of ["a", "b", "c"]) store.set(key, entry(key), 1);
    expect([store.size, store.bytes]).toEqual([2, 2]);
    expect(store.get("c")).toEqual(entry("c"));
  });

  test("takes names that objects have of their own for keys like others", () => {
    const store = open(10);
    for (const key of ["__proto__", "constructor", "toString", ""]) {
      expect(store.get(key)).toBeUndefined();
      store.set(key, entry(key), 1);
      expect(store.get(key)).toEqual(entry(key));
    }
    expect(store.size).toBe(4);
    expect(store.delete("__proto__")).toBe(true);
    expect(store.get("constructor")).toEqual(entry("constructor"));
  });

  test("keeps its limits and its sums whatever happens, and never gives another value", () => {
    const key = fc.constantFrom("__proto__", "a", "b", "c", "d", "e", "f", "g");
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("get"), key, bytes: fc.constant(0) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("set"),
          key,
          bytes: fc.integer({ min: 1, max: 12 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom("delete", "peek", "clear"),
          key,
          bytes: fc.constant(0),
        }),
      },
    );
    const limits = fc.record({
      maxEntries: fc.integer({ min: 1, max: 6 }),
      maxBytes: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(Number.POSITIVE_INFINITY)),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 200 }), ({ maxEntries, maxBytes }, steps) => {
        const store = open(maxEntries, maxBytes);
        const model = new Map<string, { entry: Entry; bytes: number }>();
        let pushedOut = 0;
        steps.forEach(({ kind, key, bytes }, index) => {
          const before = [...model.keys()].filter((each) => store.peek(each) !== undefined);
          if (kind === "set") {
            const set = { entry: entry(String(index)), bytes };
            store.set(key, set.entry, bytes);
            model.delete(key);
            if (bytes <= maxBytes) model.set(key, set);
            expect(store.peek(key)).toBe(model.get(key)?.entry);
            for (const each of before) {
              if (each === key || store.peek(each) !== undefined) continue;
              model.delete(each);
              pushedOut++;
            }
          } else if (kind === "delete") expect(store.delete(key)).toBe(model.delete(key));
          else if (kind === "clear") {
            store.clear();
            model.clear();
          } else
            expect(kind === "get" ? store.get(key) : store.peek(key)).toBe(model.get(key)?.entry);
          const held = [...model.values()];
          expect(store.size).toBe(held.length);
          expect(store.bytes).toBe(held.reduce((sum, each) => sum + each.bytes, 0));
          expect(store.size).toBeLessThanOrEqual(maxEntries);
          expect(store.bytes).toBeLessThanOrEqual(maxBytes);
          expect(store.evictions).toBe(pushedOut);
          for (const [each, { entry: kept }] of model) expect(store.peek(each)).toBe(kept);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe("what cannot be", () => {
  const limits = { maxEntries: 1, maxBytes: 1 };

  test("a policy that does not exist is refused by name", () => {
    for (const policy of ["mru", "__proto__", "toString"]) {
      expect(() => createLocalStore(policy as EvictionPolicy, limits)).toThrow(
        new TypeError(`policy must be one of lru, lfu, fifo, s3fifo, got "${policy}"`),
      );
    }
  });

  test("limits that are no whole numbers are refused", () => {
    expect(() => createLocalStore("lru", { ...limits, maxEntries: 0 })).toThrow(
      new RangeError("maxEntries must be an integer of at least 1, got 0"),
    );
    for (const maxBytes of [0, 0.5, Number.NaN]) {
      expect(() => createLocalStore("fifo", { ...limits, maxBytes })).toThrow(RangeError);
    }
  });
});
