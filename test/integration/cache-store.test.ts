/** Every sentence of the store's contract, on real servers of each kind. */

import type { StoreProvider } from "@headroom/cache";
import { type RedisNode, redisBus, redisStore } from "@headroom/cache/redis";
import { type ConformanceSetup, storeConformance } from "@headroom/cache/testing";
import { startRedis, startRedisCluster, useServers } from "@headroom/harness";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, test } from "vitest";

/** Wide: these tests ask what the store does, not how fast this machine is. */
const TIMEOUT_MS = 20_000;

type Servers = Redis | Cluster | readonly RedisNode[];

function conformance(connect: () => Servers, forget: () => Promise<void>): void {
  let client: Servers | undefined;
  beforeAll(() => {
    client = connect();
  });
  afterAll(() => {
    for (const each of clientsOf(client)) each.disconnect();
  });
  const setup = (): ConformanceSetup => {
    if (client === undefined) throw new Error("connected before the first test");
    return {
      store: storeOf(client),
      bus: redisBus(client),
      forget,
    };
  };
  for (const { name, run } of storeConformance()) test(name, () => run(setup()));
}

function storeOf(servers: Servers): StoreProvider {
  const options = { timeoutMs: TIMEOUT_MS };
  if (!Array.isArray(servers)) return redisStore(servers as Redis | Cluster, options);
  return redisStore(servers as readonly RedisNode[], { ...options, hotKeys: { copies: 3 } });
}

function clientsOf(servers: Servers | undefined): (Redis | Cluster)[] {
  if (servers === undefined) return [];
  if (!Array.isArray(servers)) return [servers as Redis | Cluster];
  return (servers as readonly RedisNode[]).map(({ client }) => client as Redis);
}

describe("one Redis", () => {
  const redis = useServers(() => startRedis());
  conformance(
    () => new Redis(redis().primary.via),
    async () => void (await redis().primary.command("FLUSHALL")),
  );
});

describe("a Redis Cluster", () => {
  const redis = useServers(() => startRedisCluster({ replicasPerMaster: 0 }));
  conformance(
    () => new Cluster(redis().nodes.map(({ via }) => via)),
    async () => {
      const masters = await redis().masters();
      await Promise.all(masters.map((master) => master.command("FLUSHALL")));
    },
  );
});

describe("several Redis that know nothing of each other", () => {
  const redis = ["a", "b", "c"].map((name) => ({ name, server: useServers(() => startRedis()) }));
  conformance(
    () => redis.map(({ name, server }) => ({ name, client: new Redis(server().primary.via) })),
    async () => {
      await Promise.all(redis.map(({ server }) => server().primary.command("FLUSHALL")));
    },
  );
});
