import { Cluster } from "ioredis";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { useServers } from "./use-servers.ts";

const redis = useServers(() => startRedisCluster());

function connect(): Cluster & Disposable {
  const client = new Cluster(
    redis().nodes.map((node) => node.via),
    { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50, slotsRefreshTimeout: 5000 },
  );
  client.on("error", () => {});
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

test("keys spread over three masters, reached through their proxies", async () => {
  using client = connect();
  const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`);
  await Promise.all(keys.map((key) => client.set(key, key)));
  const masters = await redis().masters();
  expect(masters).toHaveLength(3);
  const sizes = await Promise.all(
    masters.map(async (master) => Number(await master.command("DBSIZE"))),
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBe(200);
  expect(Math.min(...sizes)).toBeGreaterThan(20);
  for (const master of masters) expect(master.link.stats.bytesUp).toBeGreaterThan(0);
});

test("a replica takes over a killed master's slots, and the client goes on", async () => {
  using client = connect();
  await client.set("k", "before");
  const old = await redis().masterOf("k");
  await old.kill9();
  const next = await eventually("another master serves k", async () => {
    const master = await redis().masterOf("k");
    return master !== old && master;
  });
  expect(next.name).not.toBe(old.name);
  await eventually(
    "the client writes again",
    async () => (await client.set("k", "after")) === "OK",
  );
  await redis().reset();
  expect(await redis().masters()).toHaveLength(3);
});
