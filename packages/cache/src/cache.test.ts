import { cacheDegraded } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { at, createFleet } from "../test/fleet.ts";
import type { BusListener } from "./bus.ts";
import { createCache } from "./cache.ts";
import { memoryStore } from "./memory-store.ts";

test("tags: all values of an organisation are invalid at once, in every process", async () => {
  const { users, source, caches } = await createFleet({
    definition: { tags: (user) => [`org:${(user as { org: number }).org}`] },
  });
  source.set("1", { org: 7, v: 1 });
  source.set("2", { org: 8, v: 1 });
  for (const user of users) for (const id of ["1", "2"]) await user.get(id);
  source.set("1", { org: 7, v: 2 });
  source.set("2", { org: 8, v: 2 });
  expect(await at(caches, 1).invalidateTags(["org:7"])).toEqual({ status: "done" });
  for (const user of users) {
    expect(await user.get("1")).toEqual({ org: 7, v: 2 });
    expect(await user.get("2")).toEqual({ org: 8, v: 1 });
  }
});

test("a tag that is invalidated during a load: what it loads is not kept", async () => {
  const { users, source, caches, hold, clock } = await createFleet({
    definition: { tags: () => ["t"] },
  });
  source.set("1", "old");
  const release = hold();
  const before = at(users, 0).get("1");
  await clock.advance(1);
  source.set("1", "new");
  await at(caches, 1).invalidateTags(["t"]);
  release();
  expect(await before).toBe("old");
  for (const user of users) expect(await user.get("1")).toBe("new");
});

test("clear makes all values of a definition invalid, and no others", async () => {
  const { caches, users, source } = await createFleet();
  const [a, b] = [at(caches, 0), at(caches, 1)];
  let price = 1;
  const prices = [a, b].map((cache) =>
    cache.define<string, number>("price", { load: () => price, jitter: 0 }),
  );
  source.set("1", "v1");
  for (const each of [...users, ...prices]) await each.get("1");
  source.set("1", "v2");
  price = 2;
  await a.clear("user");
  for (const each of users) expect(await each.get("1")).toBe("v2");
  for (const each of prices) expect(await each.get("1")).toBe(1);
  await b.clear();
  for (const each of prices) expect(await each.get("1")).toBe(2);
  await expect(a.clear("nobody")).rejects.toThrow(/no definition "nobody"/);
});

test("a store that was flushed answers with nothing old: its tags count as changed", async () => {
  const { users, source, store, caches } = await createFleet({
    nodes: 2,
    definition: { tags: () => ["t"] },
    cache: { l1: false },
  });
  source.set("1", "v1");
  await at(users, 0).get("1");
  store.flush();
  source.set("1", "v2");
  expect(await at(users, 1).get("1")).toBe("v2");
  await at(caches, 0).invalidateTags(["t"]);
  source.set("1", "v3");
  expect(await at(users, 1).get("1")).toBe("v3");
});

test("from a gap of the bus until it is synced no copy is served or made", async () => {
  const clock = createManualClock();
  let listener: BusListener | undefined;
  const reasons: string[] = [];
  onTestFinished(cacheDegraded.subscribe(({ reason }) => reasons.push(reason)));
  await using cache = createCache({
    l2: memoryStore(),
    bus: () => ({
      name: "test",
      start: (own) => {
        listener = own;
      },
      close: async () => {},
    }),
    clock,
  });
  const users = cache.define<string, string>("user", { load: () => "v" });
  expect(cache.stats().bus).toBe("gap");
  await users.get("1");
  expect(users.stats().entries).toBe(0);
  listener?.synced(0);
  expect(cache.stats().bus).toBe("synced");
  await users.get("1");
  expect(users.peek("1")).toBe("v");
  listener?.gap(0);
  expect(users.peek("1")).toBeUndefined();
  expect(reasons).toContain("invalidation-gap");
  await users.get("1");
  expect(users.peek("1")).toBeUndefined();
  listener?.synced(0);
  await users.get("1");
  expect(users.peek("1")).toBe("v");
});

test("without a bus, what others invalidate is found in the store, and copies live on", async () => {
  const { users, source, caches } = await createFleet({
    bus: false,
    definition: { ttlMs: 1_000, tags: () => ["t"] },
  });
  source.set("1", "v1");
  for (const user of users) await user.get("1");
  source.set("1", "v2");
  await at(caches, 0).invalidateTags(["t"]);
  expect(await at(users, 0).get("1")).toBe("v2");
  expect(await at(users, 1).get("1")).toBe("v1");
});

test("a copy of an outage is gone when the bus is back: others may have invalidated it", async () => {
  const clock = createManualClock();
  let listener: BusListener | undefined;
  let isDown = true;
  const link = {
    request: async () => {
      if (isDown) throw new Error("down");
    },
  };
  await using cache = createCache({
    l2: memoryStore({ link }),
    bus: () => ({
      name: "test",
      start: (own) => {
        listener = own;
      },
      close: async () => {},
    }),
    outageTtlMs: 2_000,
    clock,
  });
  let value = "v1";
  const users = cache.define<string, string>("user", { load: () => value });
  await users.get("1");
  expect(users.peek("1")).toBe("v1");
  isDown = false;
  value = "v2";
  listener?.synced(0);
  expect(await users.get("1")).toBe("v2");
});

test("a copy of an outage lives for outageTtlMs", async () => {
  const clock = createManualClock();
  const link = {
    request: async () => {
      throw new Error("down");
    },
  };
  await using cache = createCache({ l2: memoryStore({ link }), outageTtlMs: 2_000, clock });
  let loads = 0;
  const users = cache.define<string, number>("user", { load: () => ++loads, ttlMs: 60_000 });
  expect([await users.get("1"), await users.get("1")]).toEqual([1, 1]);
  await clock.advance(2_000);
  expect(await users.get("1")).toBe(2);
});

test("after close nothing is read, and no timer is left", async () => {
  const { caches, users, clock } = await createFleet({ nodes: 1 });
  const read = at(users, 0).get("1");
  await at(caches, 0).close();
  await at(caches, 0).close();
  await read;
  await expect(at(users, 0).get("1")).rejects.toMatchObject({ code: "CACHE_CLOSED" });
  await expect(at(caches, 0).invalidateTags(["t"])).rejects.toMatchObject({ code: "CACHE_CLOSED" });
  expect(() => at(caches, 0).define("other", { load: () => 1 })).toThrow(/is closed/);
  await clock.advance(1);
  expect(clock.pending).toBe(0);
});

test.each<[object, RegExp]>([
  [{ nmae: "x" }, /did you mean "name"/],
  [{ bus: () => ({}) }, /bus needs l2/],
  [{ l1: { maxEntries: 0 } }, /l1.maxEntries/],
  [{ l1: { policy: "mru" } }, /l1.policy must be one of lru, lfu, fifo, s3fifo/],
  [{ l1: { maxSize: 5 } }, /unknown option "maxSize"/],
  [{ leaseMs: 0 }, /leaseMs must be a positive number of milliseconds, got 0/],
  [{ values: "frozen" }, /values must be one of/],
  [{ l2: {} }, /l2 must be a function/],
])("createCache(%o) is an error that says why", (options, message) => {
  expect(() => {
    const cache = createCache(options);
    cache.define("x", { load: () => 1 });
  }).toThrow(message);
});

test.each<[object, RegExp]>([
  [{}, /load or loadMany must be given/],
  [{ load: () => 1, ttl: 5 }, /did you mean "ttlMs"/],
  [{ load: () => 1, ttlMs: -1 }, /ttlMs must be a positive number of milliseconds, got -1/],
  [{ load: 5 }, /load must be a function/],
  [{ load: () => 1, jitter: 2 }, /jitter/],
  [{ load: () => 1, schema: {} }, /schema must be a Standard Schema/],
])("define(%o) is an error that says why", async (options, message) => {
  await using cache = createCache();
  expect(() => cache.define("x", options)).toThrow(message);
});

test("a name is defined once", async () => {
  await using cache = createCache();
  cache.define("x", { load: () => 1 });
  expect(() => cache.define("x", { load: () => 1 })).toThrow(/this name is taken/);
});
