/** The Redis store and its bus on a Cluster, while a master is frozen or killed and replaced. */

import { randomUUID } from "node:crypto";
import type { CacheStore } from "@headroom/cache";
import { redisBus, redisStore } from "@headroom/cache/redis";
import { systemClock } from "@headroom/core/clock";
import { eventually, startRedisCluster, useServers } from "@headroom/harness";
import { Cluster } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

const redis = useServers(() => startRedisCluster());
const bytes = Buffer.from("value");
const keys = Array.from({ length: 100 }, (_, at) => `key-${at}`);

function open() {
  const client = new Cluster(
    redis().nodes.map(({ via }) => via),
    { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50, slotsRefreshTimeout: 5_000 },
  );
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  const context = { cache: `cluster-${randomUUID()}`, origin: randomUUID(), clock: systemClock };
  const store = redisStore(client, { timeoutMs: 500 })(context);
  return { client, store, context };
}

const write = (store: CacheStore, key: string): Promise<void> =>
  store.write([{ key, bytes, ttlMs: 60_000, partition: 0 }]);

async function isRead(store: CacheStore, key: string): Promise<boolean> {
  return store.read([key]).then(
    ([found]) => found !== undefined,
    () => false,
  );
}

test("100 keys over all masters are read, leased and filled in one call each", async () => {
  const { store } = open();
  const requests = keys.map((key) => ({ key, token: "t", leaseMs: 60_000, refresh: false }));
  expect((await store.lease(requests)).every(({ kind }) => kind === "granted")).toBe(true);
  const fills = keys.map((key) => ({ key, token: "t", bytes, ttlMs: 60_000 }));
  expect(await store.fill(fills)).toEqual(keys.map(() => true));
  expect((await store.read(keys)).map((found) => String(found?.bytes))).toEqual(
    keys.map(() => "value"),
  );
  const sizes = await Promise.all(
    (await redis().masters()).map(async (node) => Number(await node.command("DBSIZE"))),
  );
  expect(Math.min(...sizes)).toBeGreaterThan(10);
});

test("while a master is frozen its keys fail in time and the others' are read; its replica takes over", async () => {
  const { store } = open();
  await Promise.all(keys.map((key) => write(store, key)));
  const frozen = await redis().masterOf("hr:{key-0}");
  await frozen.pause();
  const startedMs = performance.now();
  const outcomes = await Promise.all(keys.map((key) => isRead(store, key)));
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(outcomes[0]).toBe(false);
  expect(outcomes.filter(Boolean).length).toBeGreaterThan(20);
  await eventually("its replica has taken over", () => isRead(store, "key-0"));
  await eventually("writes go there too", () =>
    write(store, "key-0").then(
      () => true,
      () => false,
    ),
  );
});

test("the bus goes to another node when its own is killed: a gap, then synced, and it hears again", async () => {
  const { client, store, context } = open();
  const heard: string[] = [];
  const bus = redisBus(client, { heartbeatMs: 300 })({ ...context, origin: randomUUID() });
  onTestFinished(() => bus.close());
  bus.start({
    message: (_, message) => heard.push(message.kind === "keys" ? message.keys.join() : "tags"),
    gap: () => heard.push("gap"),
    synced: () => heard.push("synced"),
  });
  await eventually("it is synced", () => heard.includes("synced"));
  const node = await eventually("its node is known", async () => {
    for (const each of redis().nodes) {
      const clients = String(await each.command("CLIENT", "LIST", "TYPE", "pubsub"));
      if (/ sub=2 /.test(clients)) return each;
    }
    return undefined;
  });
  await node.kill9();
  await eventually("it is synced again", () => heard.length >= 3);
  expect(heard.slice(0, 3)).toEqual(["synced", "gap", "synced"]);
  await eventually("it hears again", async () => {
    await store.invalidate(["key-1"], { holdForMs: 0 }).catch(() => {});
    return heard.includes("key-1");
  });
});
