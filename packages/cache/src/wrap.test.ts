import { expect, test } from "vitest";
import { createCache } from "./cache.ts";

test("a wrapped function is called once for equal arguments", async () => {
  await using cache = createCache();
  const calls: unknown[][] = [];
  const area = cache.wrap("area", (width: number | string, height?: number) => {
    calls.push([width, height]);
    return `${width}×${height}`;
  });
  expect([await area(2, 3), await area(2, 3)]).toEqual(["2×3", "2×3"]);
  await area("2", 3);
  await area(2);
  expect(calls).toEqual([
    [2, 3],
    ["2", 3],
    [2, undefined],
  ]);
  await area.cached.invalidate([2, 3]);
  await area(2, 3);
  expect(calls).toHaveLength(4);
});

test("arguments that are no key need a key function", async () => {
  await using cache = createCache();
  const load = cache.wrap("load", (query: object) => query);
  await expect(load({ id: 1 })).rejects.toThrow(/argument 1 of "load" is no part of a key/);
  const keyed = cache.wrap("keyed", (query: { id: number }) => query.id, {
    key: ({ id }) => String(id),
    ttlMs: 1_000,
  });
  expect(await keyed({ id: 5 })).toBe(5);
  expect(() => cache.wrap("bad", () => 1, { ttl: 5 } as object)).toThrow(/did you mean "ttlMs"/);
});
