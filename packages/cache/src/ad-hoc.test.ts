import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { createCache } from "./cache.ts";

test("a value without a definition is loaded once and invalidated by its key", async () => {
  const clock = createManualClock();
  await using cache = createCache({ clock });
  let loads = 0;
  const read = (): Promise<number> =>
    cache.getOrLoad("k", () => ++loads, { ttlMs: 1_000, jitter: 0, tags: () => ["t"] });
  expect([await read(), await read()]).toEqual([1, 1]);
  await cache.invalidate("k");
  expect(await read()).toBe(2);
  await cache.invalidateTags(["t"]);
  expect(await read()).toBe(3);
  await clock.advance(1_000);
  expect(await read()).toBe(4);
  expect(cache.stats().definitions["ad-hoc"]).toMatchObject({ loads: 4, localHits: 1 });
});

test("each caller of a cloning cache has a value of its own", async () => {
  await using cache = createCache({ values: "clone" });
  const read = (): Promise<{ n: number }> => cache.getOrLoad("k", () => ({ n: 1 }));
  const first = await read();
  first.n = 2;
  expect(await read()).toEqual({ n: 1 });
});

test("bad calls are errors that say why", async () => {
  await using cache = createCache();
  await expect(cache.getOrLoad("", () => 1)).rejects.toThrow(/must be a string that is not empty/);
  await expect(cache.getOrLoad("k", 5 as never)).rejects.toThrow(/load must be a function/);
  await expect(cache.getOrLoad("k", () => 1, { ttl: 1 } as object)).rejects.toThrow(
    /did you mean "ttlMs"/,
  );
});
