/** The Redis store and its bus while the server is killed, frozen, full, emptied or read-only. */

import { randomUUID } from "node:crypto";
import type { BusMessage, CacheStore } from "@headroom/cache";
import { type RedisStoreOptions, redisBus, redisStore } from "@headroom/cache/redis";
import { systemClock } from "@headroom/core/clock";
import { eventually, startRedis, useServers } from "@headroom/harness";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

const redis = useServers(() => startRedis());
/** More than a server that is well needs on the busiest machine. */
const TIMEOUT_MS = 400;
/** Far beyond the deadline of an operation, far below that of anything that hangs. */
const SOON_MS = 2_000;

const clock = systemClock;
const bytes = Buffer.from("value");

interface ClientOptions {
  readonly maxRetriesPerRequest?: null;
  readonly keyPrefix?: string;
  readonly stringNumbers?: boolean;
  readonly protocol?: 2;
  readonly enableAutoPipelining?: boolean;
}

function connect(options: ClientOptions = {}): Redis {
  const { port, host } = redis().primary.via;
  const client = new Redis(port, host, options);
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

interface World {
  readonly client: Redis;
  readonly cache: string;
  readonly store: CacheStore;
}

function open(
  options: RedisStoreOptions = {},
  client: Redis = connect(),
  cache = `faults-${randomUUID()}`,
): World {
  const context = { cache, origin: randomUUID(), clock };
  return {
    client,
    cache,
    store: redisStore(client, { timeoutMs: TIMEOUT_MS, ...options })(context),
  };
}

/** What a process of the same cache is told, in order: `synced`, `gap`, `a,b`, `#tag`. */
function listen({ client, cache }: World, heartbeatMs = 1_000): string[] {
  const bus = redisBus(client, { heartbeatMs })({ cache, origin: randomUUID(), clock });
  onTestFinished(() => bus.close());
  const heard: string[] = [];
  bus.start({
    message: (_, message: BusMessage) =>
      heard.push(message.kind === "keys" ? message.keys.join() : `#${message.tags.join()}`),
    gap: () => heard.push("gap"),
    synced: () => heard.push("synced"),
  });
  return heard;
}

const heardIn = (heard: string[], ...what: string[]): Promise<true | undefined> =>
  eventually(`${what.join(", ")} was heard, not only ${heard.join(", ")}`, () =>
    what.every((each, at) => heard[at] === each) ? true : undefined,
  );

const write = (store: CacheStore, key: string, ttlMs = 60_000): Promise<void> =>
  store.write([{ key, bytes, ttlMs, partition: 0 }]);

const lease = async (store: CacheStore, key: string, token = "t"): Promise<string | undefined> =>
  (await store.lease([{ key, token, leaseMs: 60_000, refresh: false }]))[0]?.kind;

/** Every operation once; how each ended, and that none took long. */
async function everyOperation(store: CacheStore): Promise<string[]> {
  const startedMs = performance.now();
  const outcomes = await Promise.allSettled([
    store.read(["a", "b"]),
    store.lease([{ key: "c", token: "t", leaseMs: 1_000, refresh: false }]),
    store.renew("d", "t", 1_000),
    store.release("e", "t"),
    store.fill([{ key: "f", token: "t", bytes, ttlMs: 1_000 }]),
    write(store, "g"),
    store.invalidate(["h"], { holdForMs: 0 }),
    store.bump(["i"]),
    store.tags(0, ["i"]),
  ]);
  expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
  return outcomes.map((outcome) =>
    outcome.status === "fulfilled" ? "ok" : String((outcome.reason as { code: unknown }).code),
  );
}

test("a server that forgets its scripts is taught them again", async () => {
  const { store } = open();
  expect(await lease(store, "k")).toBe("granted");
  await redis().primary.command("SCRIPT", "FLUSH");
  expect(await store.fill([{ key: "k", token: "t", bytes, ttlMs: 60_000 }])).toEqual([true]);
  await redis().primary.command("SCRIPT", "FLUSH");
  expect(await everyOperation(store)).toEqual(Array<string>(9).fill("ok"));
});

test("on a server that is frozen every operation settles in time, and afterwards all is well", async () => {
  const { store } = open();
  await write(store, "k");
  await redis().primary.pause();
  for (const code of await everyOperation(store)) expect(code).toBe("CACHE_STORE_TIMEOUT");
  const startedMs = performance.now();
  for (const code of await everyOperation(store)) expect(code).toBe("CIRCUIT_OPEN");
  expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS / 2);
  await redis().primary.resume();
  await eventually("it reads again", async () => (await store.read(["k"]))[0] !== undefined);
  expect(await everyOperation(store)).toEqual(Array<string>(9).fill("ok"));
});

test("with a client that never connects every operation settles in time", async () => {
  redis().primary.link.refuse();
  const client = connect({ maxRetriesPerRequest: null });
  const { store } = open({}, client);
  for (const code of await everyOperation(store)) expect(code).toBe("CACHE_STORE_TIMEOUT");
});

test("a server that is killed and comes back empty raises the floor above every number it gave", async () => {
  const world = open();
  const { store } = world;
  const heard = listen(world);
  await heardIn(heard, "synced");
  await write(store, "k");
  const [before] = await store.bump(["tag"]);
  await heardIn(heard, "synced", "k", "#tag");
  await redis().primary.kill9();
  await heardIn(heard, "synced", "k", "#tag", "gap");
  for (const code of await everyOperation(store)) expect(code).not.toBe("ok");
  await redis().primary.start();
  const after = await eventually("its clock of tags answers", () => store.tags(0, ["tag"]));
  expect(after.floor).toBeGreaterThan(before?.sequence ?? Number.NaN);
  expect(after.bumps).toEqual([undefined]);
  expect(await store.read(["k"])).toEqual([undefined]);
  await heardIn(heard, "synced", "k", "#tag", "gap", "synced");
});

test("FLUSHALL voids leases, and raises the floor", async () => {
  const { store, client } = open();
  const before = await store.tags(0, []);
  await lease(store, "k");
  await client.flushall();
  expect(await store.fill([{ key: "k", token: "t", bytes, ttlMs: 60_000 }])).toEqual([false]);
  expect((await store.tags(0, [])).floor).toBeGreaterThan(before.sequence);
});

test("a full server refuses what needs memory, by name; reads and invalidations go on", async () => {
  const { store } = open({ circuit: { consecutiveFailures: 1_000, minSuccessRate: 0 } });
  await write(store, "kept");
  await store.bump(["tag"]);
  await redis().primary.command("CONFIG", "SET", "maxmemory", "1");
  onTestFinished(
    async () => void (await redis().primary.command("CONFIG", "SET", "maxmemory", "0")),
  );
  const full = { code: "CACHE_STORE_FAILED", reason: "OOM", retryable: true };
  await expect(write(store, "k")).rejects.toMatchObject(full);
  await expect(lease(store, "k")).rejects.toMatchObject(full);
  expect(await store.read(["kept"])).toMatchObject([{ partition: 0 }]);
  await store.invalidate(["kept"], { holdForMs: 0 });
  expect(await store.read(["kept"])).toEqual([undefined]);
});

test("a server that was demoted refuses writes as READONLY, and takes them when it leads again", async () => {
  const { store } = open();
  const { primary } = redis();
  await write(store, "kept");
  await primary.command("REPLICAOF", "127.0.0.1", "1");
  await expect(write(store, "k")).rejects.toMatchObject({ reason: "READONLY" });
  await expect(store.invalidate(["k"], { holdForMs: 0 })).rejects.toMatchObject({
    message: 'the store "redis" failed: READONLY',
  });
  await primary.command("REPLICAOF", "NO", "ONE");
  await write(store, "k");
});

test("a subscriber that is killed is a gap at once, then it is synced and hears again", async () => {
  const world = open();
  const heard = listen(world, 60_000);
  await heardIn(heard, "synced");
  await redis().primary.command("CLIENT", "KILL", "TYPE", "pubsub");
  await heardIn(heard, "synced", "gap", "synced");
  await world.store.invalidate(["a", "b"], { holdForMs: 0 });
  await world.store.bump(["tag"]);
  await heardIn(heard, "synced", "gap", "synced", "a,b", "#tag");
});

test.each(["down", "both"] as const)(
  "a link that stalls (%s) is a gap, though no connection ends",
  async (direction) => {
    const world = open();
    const heard = listen(world, 100);
    await heardIn(heard, "synced");
    redis().primary.link.stall(direction);
    await heardIn(heard, "synced", "gap");
    redis().primary.link.open();
    await heardIn(heard, "synced", "gap", "synced");
    await eventually("it hears again", async () => {
      await world.store.invalidate(["k"], { holdForMs: 0 });
      return heard.includes("k");
    });
  },
);

test("a link that works is never a gap, however long nothing happens", async () => {
  const heard = listen(open(), 1_000);
  await heardIn(heard, "synced");
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(heard).toEqual(["synced"]);
});

test("a message that nobody of ours has sent is a gap: whatever it said was missed", async () => {
  const world = open();
  const heard = listen(world);
  await heardIn(heard, "synced");
  await world.client.publish(`hr:{${world.cache}}:bus`, "hello");
  await heardIn(heard, "synced", "gap", "synced");
});

test("after close nothing is told, and no connection is left", async () => {
  const world = open();
  const { cache, client } = world;
  const bus = redisBus(client)({ cache, origin: randomUUID(), clock });
  const heard: string[] = [];
  bus.start({
    message: () => heard.push("message"),
    gap: () => heard.push("gap"),
    synced: () => heard.push("synced"),
  });
  await heardIn(heard, "synced");
  await bus.close();
  await eventually("the subscriber is gone", async () => {
    const list = String(await redis().primary.command("CLIENT", "LIST", "TYPE", "pubsub"));
    return list.trim() === "";
  });
  expect(heard).toEqual(["synced"]);
});

test("64 reads of one moment are one command", async () => {
  const { store, client } = open();
  await store.read(["warm"]);
  await client.config("RESETSTAT");
  await Promise.all(Array.from({ length: 64 }, (_, at) => store.read([`k${at}`])));
  expect(await client.info("commandstats")).toContain("cmdstat_mget:calls=1,");
});

test.each([
  { keyPrefix: "app:", stringNumbers: true, protocol: 2 },
  { keyPrefix: "app:", enableAutoPipelining: true },
] as const)("a client with options of its own serves as well: %o", async (options) => {
  const client = connect(options);
  const world = open({}, client);
  const heard = listen(world);
  await heardIn(heard, "synced");
  expect(await everyOperation(world.store)).toEqual(Array<string>(9).fill("ok"));
  expect(await lease(world.store, "x", "1")).toBe("granted");
  expect(await lease(world.store, "x", "2")).toBe("held");
  await eventually("all three changes are told", () => heard.length === 4);
  expect(new Set(heard)).toEqual(new Set(["synced", "g", "h", "#i"]));
  expect(await redis().primary.command("KEYS", "*")).toContain("app:hr:{g}");
});

test("the same request for a lease, sent twice by a client that reconnected, is granted twice", async () => {
  const { store } = open();
  expect(await lease(store, "k", "mine")).toBe("granted");
  expect(await lease(store, "k", "mine")).toBe("granted");
  expect(await lease(store, "k", "theirs")).toBe("held");
});

test("what was bumped long ago is forgotten: the floor rises to its number, and no further", async () => {
  const { store } = open({ rememberTagsMs: 200 });
  const [first] = await store.bump(["old"]);
  const [second] = await store.bump(["older than it seems"]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [third] = await store.bump(["new"]);
  expect(third).toMatchObject({ floor: second?.sequence });
  const reading = await store.tags(0, ["old", "new"]);
  expect(reading.bumps).toEqual([undefined, third?.sequence]);
  // An entry loaded after those bumps carries the number of the last, which is not below the floor.
  expect(second?.sequence).toBeGreaterThanOrEqual(reading.floor);
  expect(first?.sequence).toBeLessThan(reading.floor);
});

test("a server whose clock was set back goes on above the last number", async () => {
  const { store, client, cache } = open();
  await store.bump(["a"]);
  const future = 4_000_000_000_000_000;
  await client.zadd(`hr:{${cache}}:tags`, future, "from the future");
  const [next] = await store.bump(["a"]);
  expect(next?.sequence).toBe(future + 1);
  expect((await store.tags(0, ["a", "b"])).bumps).toEqual([future + 1, undefined]);
});

test("an error never shows a key or a value", async () => {
  const { store, client } = open();
  await client.hset("hr:{secret-key}", "field", "secret-value");
  const wrong = await lease(store, "secret-key").catch((failure: unknown) => failure);
  expect(wrong).toMatchObject({ code: "CACHE_STORE_FAILED", reason: "WRONGTYPE" });
  expect(JSON.stringify(wrong)).not.toContain("secret");
});
