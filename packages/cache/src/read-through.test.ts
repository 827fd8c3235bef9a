import { cacheDegraded } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import { at, createFleet } from "../test/fleet.ts";

test("a value is loaded once, and then served by the process and by the store", async () => {
  const { users, source, loads } = await createFleet();
  const [a, b] = [at(users, 0), at(users, 1)];
  source.set("1", { name: "Ada" });
  expect(await a.get("1")).toEqual({ name: "Ada" });
  expect(await a.get("1")).toEqual({ name: "Ada" });
  expect(await b.get("1")).toEqual({ name: "Ada" });
  expect(loads).toEqual(["1"]);
  expect(a.stats()).toMatchObject({ misses: 1, localHits: 1, sharedHits: 0, loads: 1, entries: 1 });
  expect(b.stats()).toMatchObject({ misses: 0, localHits: 0, sharedHits: 1, loads: 0 });
});

test("a hit returns the very same promise: nothing is made for it", async () => {
  const { users, source } = await createFleet();
  source.set("1", "v");
  await at(users, 0).get("1");
  expect(at(users, 0).get("1")).toBe(at(users, 0).get("1"));
});

test("a hundred readers in three processes cause one load", async () => {
  const { users, source, loads, clock, hold } = await createFleet({ nodes: 3 });
  source.set("1", "v");
  const release = hold();
  const reads = Array.from({ length: 100 }, (_, index) => at(users, index % 3).get("1"));
  await clock.advance(1_000);
  release();
  await clock.advance(100);
  expect(new Set(await Promise.all(reads))).toEqual(new Set(["v"]));
  expect(loads).toEqual(["1"]);
});

test("a failing load throws to every reader after one call, and again at once for a second", async () => {
  let calls = 0;
  const { users, clock } = await createFleet({
    nodes: 1,
    definition: {
      load: async () => {
        calls++;
        throw new Error("database is down");
      },
    },
  });
  const reads = Array.from({ length: 100 }, () => at(users, 0).get("1"));
  const settled = await Promise.allSettled(reads);
  expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(calls).toBe(1);
  await expect(at(users, 0).get("1")).rejects.toThrow("database is down");
  expect(calls).toBe(1);
  await clock.advance(1_000);
  await expect(at(users, 0).get("1")).rejects.toThrow("database is down");
  expect(calls).toBe(2);
});

test("an invalidation during a load: what it loads is returned to those who asked before, and kept nowhere", async () => {
  const { users, source, loads, hold, clock } = await createFleet({ nodes: 3 });
  const [loading, other, third] = [at(users, 0), at(users, 1), at(users, 2)];
  source.set("1", "old");
  const release = hold();
  const before = loading.get("1");
  await clock.advance(1);
  source.set("1", "new");
  expect(await other.invalidate("1")).toEqual({ status: "done" });
  release();
  expect(await before).toBe("old");
  expect(await loading.get("1")).toBe("new");
  expect(await other.get("1")).toBe("new");
  expect(await third.get("1")).toBe("new");
  expect(loads).toHaveLength(2);
  expect(loading.stats().fillsRefused).toBe(1);
});

test("a read that starts after an invalidation does not join the load that began before it", async () => {
  const { users, source, hold, clock } = await createFleet({ nodes: 1 });
  source.set("1", "old");
  const release = hold();
  const before = at(users, 0).get("1");
  await clock.advance(1);
  source.set("1", "new");
  const invalidated = at(users, 0).invalidate("1");
  const after = invalidated.then(() => at(users, 0).get("1"));
  await invalidated;
  release();
  expect(await before).toBe("old");
  expect(await after).toBe("new");
});

test("a stale value is served while one process loads it again behind the reads", async () => {
  const { users, source, loads, clock } = await createFleet({
    nodes: 2,
    definition: { ttlMs: 1_000, staleWhileRevalidateMs: 1_000 },
  });
  source.set("1", "v1");
  for (const user of users) await user.get("1");
  source.set("1", "v2");
  await clock.advance(1_500);
  expect(await Promise.all(users.map((user) => user.get("1")))).toEqual(["v1", "v1"]);
  await clock.advance(200);
  expect(await Promise.all(users.map((user) => user.get("1")))).toEqual(["v2", "v2"]);
  await clock.advance(200);
  expect(await Promise.all(users.map((user) => user.get("1")))).toEqual(["v2", "v2"]);
  expect(loads).toHaveLength(2);
});

test("when loading fails, a value past its time is served as long as staleIfErrorMs allows", async () => {
  const { users, source, clock, caches } = await createFleet({
    nodes: 1,
    definition: {
      ttlMs: 1_000,
      staleIfErrorMs: 10_000,
      load: async (id) => {
        const value = source.get(id);
        if (value === undefined) throw new Error("down");
        return value;
      },
    },
  });
  const reasons: string[] = [];
  onTestFinished(cacheDegraded.subscribe(({ reason }) => reasons.push(reason)));
  const user = at(users, 0);
  source.set("1", "v1");
  await user.get("1");
  source.delete("1");
  await clock.advance(5_000);
  expect(await user.get("1")).toBe("v1");
  expect(reasons).toContain("stale-served");
  await clock.advance(7_000);
  await expect(user.get("1")).rejects.toThrow("down");
  expect(at(caches, 0).stats().definitions["user"]?.stale).toBe(1);
});

test("an invalidated value is not served when the load after it fails", async () => {
  const { users, source } = await createFleet({
    nodes: 2,
    definition: {
      staleIfErrorMs: 10_000,
      load: async (id) => {
        const value = source.get(id);
        if (value === undefined) throw new Error("down");
        return value;
      },
    },
  });
  source.set("1", "v1");
  for (const user of users) await user.get("1");
  source.delete("1");
  await at(users, 0).invalidate("1");
  await expect(at(users, 0).get("1")).rejects.toThrow("down");
  await expect(at(users, 1).get("1")).rejects.toThrow("down");
});

test("a slow load is not waited for when a stale value may be served; it goes on and is stored", async () => {
  const { users, source, clock, hold } = await createFleet({
    nodes: 1,
    definition: { ttlMs: 1_000, staleIfErrorMs: 10_000, softTimeoutMs: 100 },
  });
  const user = at(users, 0);
  source.set("1", "v1");
  await user.get("1");
  await clock.advance(2_000);
  source.set("1", "v2");
  const release = hold();
  const read = user.get("1");
  await clock.advance(100);
  expect(await read).toBe("v1");
  release();
  await clock.advance(1);
  expect(await user.get("1")).toBe("v2");
});

test("a load that hangs fails at its time limit, its signal aborts, and the next reader loads anew", async () => {
  let calls = 0;
  const aborted: unknown[] = [];
  const { users, clock } = await createFleet({
    nodes: 1,
    definition: {
      loadTimeoutMs: 5_000,
      errorThrottleMs: 0,
      load: (_id, { signal }) => {
        calls++;
        if (calls > 1) return "v";
        signal.addEventListener("abort", () => aborted.push(signal.reason));
        return new Promise(() => {});
      },
    },
  });
  const read = at(users, 0).get("1");
  const failed = expect(read).rejects.toMatchObject({ code: "CACHE_LOAD_TIMEOUT", cache: "user" });
  await clock.advance(5_000);
  await failed;
  expect(aborted).toMatchObject([{ code: "CACHE_LOAD_TIMEOUT" }]);
  expect(await at(users, 0).get("1")).toBe("v");
});

test("a loader that reads its own key ends at the time limit instead of never", async () => {
  const { users, clock } = await createFleet({
    nodes: 1,
    definition: { loadTimeoutMs: 100, load: (id) => at(users, 0).get(id) },
  });
  const read = expect(at(users, 0).get("1")).rejects.toMatchObject({ code: "CACHE_LOAD_TIMEOUT" });
  await clock.advance(100);
  await read;
});

test("a process that dies while it loads is replaced when its lease has run out", async () => {
  const { users, source, clock, loads, hold } = await createFleet({
    nodes: 2,
    cache: { leaseMs: 1_000 },
    link: {
      // The first process reaches nobody any more once it has its lease.
      request: (() => {
        let first: string | undefined;
        return async (origin: string, operation: string) => {
          first ??= origin;
          if (
            origin === first &&
            operation !== "lease" &&
            operation !== "read" &&
            operation !== "tags"
          )
            return new Promise<void>(() => {});
        };
      })(),
    },
  });
  source.set("1", "v");
  const release = hold();
  void at(users, 0).get("1");
  await clock.advance(0);
  release();
  const read = at(users, 1).get("1");
  await clock.advance(1_200);
  expect(await read).toBe("v");
  expect(loads).toEqual(["1", "1"]);
});

test("who waits too long for another process loads alone", async () => {
  const { users, source, clock, loads, hold } = await createFleet({
    nodes: 2,
    definition: { waitForLoadMs: 1_000 },
  });
  source.set("1", "v");
  const release = hold();
  void at(users, 0).get("1");
  await clock.advance(0);
  const read = at(users, 1).get("1");
  await clock.advance(1_100);
  expect(loads).toHaveLength(2);
  release();
  expect(await read).toBe("v");
});

test("an aborted caller leaves alone; when the last one has left, the load is given up", async () => {
  let signal: AbortSignal | undefined;
  const { users, clock } = await createFleet({
    nodes: 1,
    definition: {
      load: (_id, context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
    },
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const reads = [first, second].map(({ signal: own }) => at(users, 0).get("1", { signal: own }));
  const settled = Promise.allSettled(reads);
  await clock.advance(0);
  first.abort(new Error("client 1 left"));
  await clock.advance(0);
  expect(signal?.aborted).toBe(false);
  second.abort(new Error("client 2 left"));
  await clock.advance(0);
  expect(signal?.reason).toEqual(new Error("client 2 left"));
  expect(await settled).toMatchObject([
    { reason: new Error("client 1 left") },
    { reason: new Error("client 2 left") },
  ]);
});

test("absent is not null: null is a value, and that there is nothing is remembered if asked for", async () => {
  const { users, source, loads, clock } = await createFleet({
    nodes: 1,
    definition: { absentTtlMs: 1_000 },
  });
  source.set("null", null);
  for (let round = 0; round < 2; round++) {
    expect(await at(users, 0).get("null")).toBeNull();
    expect(await at(users, 0).get("absent")).toBeUndefined();
  }
  expect(loads).toEqual(["null", "absent"]);
  await clock.advance(1_000);
  await at(users, 0).get("absent");
  expect(loads).toEqual(["null", "absent", "absent"]);
});

test("the loader may say how long, with which tags, and that nothing has changed", async () => {
  const seen: unknown[] = [];
  let isChanged = true;
  const { users, clock, caches } = await createFleet({
    nodes: 1,
    definition: {
      staleIfErrorMs: 60_000,
      load: (id, context) => {
        seen.push(context.stale && { ...context.stale });
        context.setTtlMs(1_000);
        context.addTags(`tag:${id}`);
        if (!isChanged) return context.notModified();
        context.setValidator("etag-1");
        return "v";
      },
    },
  });
  const user = at(users, 0);
  expect(await user.get("1")).toBe("v");
  isChanged = false;
  await clock.advance(2_000);
  expect(await user.get("1")).toBe("v");
  await clock.advance(2_000);
  expect(await user.get("1")).toBe("v");
  expect(seen).toEqual([
    undefined,
    { value: "v", validator: "etag-1", ageMs: 2_000 },
    { value: "v", validator: "etag-1", ageMs: 2_000 },
  ]);
  isChanged = true;
  await at(caches, 0).invalidateTags(["tag:1"]);
  await user.get("1");
  expect(seen).toHaveLength(4);
  expect(seen[3]).toBeUndefined();
});

test("a refresh loads whatever there is, in the turn of another process that loads already", async () => {
  const { users, source, loads } = await createFleet();
  source.set("1", "v1");
  await at(users, 1).get("1");
  source.set("1", "v2");
  expect(await at(users, 0).refresh("1")).toBe("v2");
  expect(await at(users, 0).get("1")).toBe("v2");
  expect(loads).toHaveLength(2);
});

test("without a shared store the process is a cache by itself", async () => {
  const { users, source, loads, caches } = await createFleet({
    nodes: 1,
    bus: false,
    cache: { l2: undefined },
    definition: { tags: () => ["t"] },
  });
  const user = at(users, 0);
  source.set("1", "v1");
  expect([await user.get("1"), await user.get("1")]).toEqual(["v1", "v1"]);
  source.set("1", "v2");
  await at(caches, 0).invalidateTags(["t"]);
  expect(await user.get("1")).toBe("v2");
  source.set("1", "v3");
  await at(caches, 0).clear("user");
  expect(await user.get("1")).toBe("v3");
  await user.set("1", "v4");
  expect(await user.get("1")).toBe("v4");
  source.set("1", "v5");
  await user.invalidate("1");
  expect(await user.get("1")).toBe("v5");
  expect(loads).toHaveLength(4);
});
