/** Three Redis servers that know nothing of each other, while one of them is frozen or killed. */

import { randomUUID } from "node:crypto";
import type { CacheStore } from "@headroom/cache";
import { type RedisNodesOptions, redisBus, redisStore } from "@headroom/cache/redis";
import { systemClock } from "@headroom/core/clock";
import { eventually, type RedisNode, startRedis, useServers } from "@headroom/harness";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

const NAMES = ["a", "b", "c"];
const servers = NAMES.map(() => useServers(() => startRedis()));
const server = (partition: number): RedisNode => {
  const set = servers[partition];
  if (set === undefined) throw new Error(`there is no partition ${partition}`);
  return set().primary;
};

const bytes = Buffer.from("value");

function connect() {
  return NAMES.map((name, at) => {
    const client = new Redis(server(at).via);
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    return { name, client };
  });
}

/** A process of its own, with its own view of who is well. */
function open(cache: string, options: RedisNodesOptions = {}): CacheStore {
  const nodes = connect();
  // More than a server that is well needs on the busiest machine.
  const settings = { timeoutMs: 400, circuit: { consecutiveFailures: 2 }, ...options };
  const store = redisStore(nodes, settings)({ cache, origin: randomUUID(), clock: systemClock });
  onTestFinished(() => store.close());
  return store;
}

const keys = Array.from({ length: 200 }, (_, at) => `key-${at}`);

function keyOf(store: CacheStore, partition: number): string {
  const key = keys.find((each) => store.partitionOf(each) === partition);
  if (key === undefined) throw new Error(`no key is in partition ${partition}`);
  return key;
}

/** Reads until the store has given the server up. */
async function giveUp(store: CacheStore, key: string, home: number): Promise<void> {
  await eventually("the key is with its stand-in", async () => {
    await store.read([key]).catch(() => {});
    return store.partitionOf(key) !== home;
  });
}

async function load(store: CacheStore, key: string, ttlMs = 60_000): Promise<boolean | undefined> {
  const [reply] = await store.lease([{ key, token: "t", leaseMs: 60_000, refresh: false }]);
  expect(reply?.kind).toBe("granted");
  return (await store.fill([{ key, token: "t", bytes, ttlMs }]))[0];
}

test("keys are on all servers, and each process finds them", async () => {
  const [ours, theirs] = [open("shop"), open("shop")];
  await Promise.all(keys.map((key) => load(ours, key)));
  const found = await theirs.read(keys);
  expect(found.map((each) => each?.partition)).toEqual(keys.map((key) => ours.partitionOf(key)));
  for (const partition of [0, 1, 2]) {
    expect(found.filter((each) => each?.partition === partition).length).toBeGreaterThan(20);
  }
});

test("a dead server's keys go to their stand-ins, the others' stay, and all come home", async () => {
  const store = open("shop");
  const before = keys.map((key) => store.partitionOf(key));
  const key = keyOf(store, 1);
  await server(1).pause();
  await giveUp(store, key, 1);
  for (const [at, each] of keys.entries()) {
    if (before[at] === 1) expect(store.partitionOf(each)).not.toBe(1);
    else expect(store.partitionOf(each)).toBe(before[at]);
  }
  expect(await load(store, key)).toBe(true);
  expect((await store.read([key]))[0]).toMatchObject({ partition: store.partitionOf(key) });
  const standIn = server(store.partitionOf(key));
  const ttlMs = Number(await standIn.command("PTTL", `hr:{${key}}`));
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(10_000);
  await server(1).resume();
  // Nobody asks for its keys meanwhile: the ping finds out.
  await eventually("its keys are at home again", () => store.partitionOf(key) === 1);
});

test("an invalidation reaches home and stand-in, whichever of them a process uses", async () => {
  const [ours, theirs] = [open("shop"), open("shop")];
  const key = keyOf(ours, 1);
  await load(theirs, key);
  await server(1).pause();
  await giveUp(ours, key, 1);
  await server(1).resume();
  const token = { key, token: "slow", leaseMs: 60_000, refresh: false };
  const [reply] = await ours.lease([token]);
  if (reply?.kind === "granted") {
    await theirs.invalidate([key], { holdForMs: 0 });
    expect(await ours.fill([{ key, token: "slow", bytes, ttlMs: 60_000 }])).toEqual([false]);
  }
  await theirs.invalidate([key], { holdForMs: 0 });
  for (const store of [ours, theirs]) expect(await store.read([key])).toEqual([undefined]);
  for (const partition of [0, 1, 2]) {
    expect(await server(partition).command("EXISTS", `hr:{${key}}`)).toBe(0);
  }
});

test("an invalidation, a write and a bump that miss a server say which", async () => {
  const store = open("shop");
  const key = keyOf(store, 2);
  await server(2).kill9();
  const missed = { code: "CACHE_STORE_PARTIAL", missed: ["c"] };
  await expect(store.invalidate([key], { holdForMs: 0 })).rejects.toMatchObject(missed);
  await expect(store.bump(["tag"])).rejects.toMatchObject(missed);
  await giveUp(store, key, 2);
  const partition = store.partitionOf(key);
  await expect(store.write([{ key, bytes, ttlMs: 60_000, partition }])).rejects.toMatchObject(
    missed,
  );
  // A key that has no place on the dead server is none of its business.
  const outcomes = await Promise.allSettled(
    keys.map((each) => store.invalidate([each], { holdForMs: 0 })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(20);
});

test("bytes that carry another server's number are refused when their key has moved", async () => {
  const store = open("shop");
  const key = keyOf(store, 0);
  await server(0).pause();
  await giveUp(store, key, 0);
  const write = { key, bytes, ttlMs: 60_000, partition: 0 };
  await expect(store.write([write])).rejects.toMatchObject({ code: "CACHE_PARTITION_GONE" });
});

test("a hot key is spread: processes use different servers, and an invalidation reaches them all", async () => {
  const processes = Array.from({ length: 12 }, () => open("shop", { hotKeys: { copies: 3 } }));
  const key = keyOf(processes[0] as CacheStore, 0);
  for (const store of processes) {
    for (let read = 0; read < 1_000; read++) void store.read([key]).catch(() => {});
    await store.read([key]);
  }
  const partitions = processes.map((store) => store.partitionOf(key));
  expect(new Set(partitions)).toEqual(new Set([0, 1, 2]));
  let loads = 0;
  for (const store of processes) {
    const [reply] = await store.lease([{ key, token: "t", leaseMs: 60_000, refresh: false }]);
    if (reply?.kind !== "granted") continue;
    loads += 1;
    expect(await store.fill([{ key, token: "t", bytes, ttlMs: 60_000 }])).toEqual([true]);
  }
  expect(loads).toBe(3);
  await processes[0]?.invalidate([key], { holdForMs: 0 });
  for (const store of processes) expect(await store.read([key])).toEqual([undefined]);
});

test("the bus hears every server, and a gap is of the one whose connection ended", async () => {
  const store = open("shop");
  const context = { cache: "shop", origin: randomUUID(), clock: systemClock };
  // Listed in another order: partitions go by name.
  const bus = redisBus(connect().reverse())(context);
  onTestFinished(() => bus.close());
  const heard: string[] = [];
  bus.start({
    message: (partition, { kind }) => heard.push(`${partition} ${kind}`),
    gap: (partition) => heard.push(`${partition} gap`),
    synced: (partition) => heard.push(`${partition} synced`),
  });
  await eventually("all are synced", () => heard.length === 3);
  expect(heard.splice(0).sort()).toEqual(["0 synced", "1 synced", "2 synced"]);
  await store.bump(["tag"]);
  await eventually("all have told", () => heard.length === 3);
  expect(heard.splice(0).sort()).toEqual(["0 tags", "1 tags", "2 tags"]);
  await server(1).command("CLIENT", "KILL", "TYPE", "pubsub");
  await eventually("it is synced again", () => heard.length === 2);
  expect(heard.splice(0)).toEqual(["1 gap", "1 synced"]);
  const key = keyOf(store, 2);
  await store.invalidate([key], { holdForMs: 0 });
  await eventually("home and stand-in have told", () => heard.length === 2);
  expect(heard).toContain("2 keys");
});
