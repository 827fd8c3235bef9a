/** The Redis driver keeps the contract of drivers, on one server and on a Cluster. */

import { randomUUID } from "node:crypto";
import { eventually, startRedis, startRedisCluster, testSeed, useServers } from "@headroom/harness";
import { redisDriver } from "@headroom/queue/redis";
import { describeQueueDriver, type ModelScript, runQueueModel } from "@headroom/queue/testing";
import { Cluster, Redis } from "ioredis";
import { afterAll, describe, test } from "vitest";

const single = useServers(() => startRedis({ settings: { appendonly: "yes" } }));
const cluster = useServers(() => startRedisCluster({ replicasPerMaster: 0 }));
const clients: (Redis | Cluster)[] = [];
const { random } = testSeed();

afterAll(() => {
  for (const client of clients) client.disconnect();
});

function opened<Client extends Redis | Cluster>(client: Client): Client {
  client.on("error", () => {});
  clients.push(client);
  return client;
}

const connectSingle = () => redisDriver(opened(new Redis(single().primary.via)));

const connectCluster = () => {
  const nodes = cluster().nodes.map(({ via }) => via);
  return redisDriver(opened(new Cluster(nodes, { slotsRefreshTimeout: 5_000 })));
};

async function restart(): Promise<void> {
  await single().primary.restart();
  await eventually("the server answers", async () =>
    (await single().primary.command("PING")) === "PONG" ? true : undefined,
  );
}

const framework = { describe, test };
describeQueueDriver("redis", () => ({ connect: connectSingle, restart }), framework);
describeQueueDriver("redis cluster", () => ({ connect: connectCluster, jobs: 300 }), framework);

/** Runs of up to so many steps. */
const STEPS = 60;

function script(): ModelScript {
  const length = Math.floor(random() * STEPS);
  return Array.from({ length }, () => [
    Math.floor(random() * 1_000),
    Math.floor(random() * 100_000),
  ]);
}

test.each([
  ["without limits", {}],
  ["with limits", { concurrency: 3, maxBacklog: 5 }],
] as const)("it does as the memory, in runs %s", async (_, limits) => {
  const driver = connectSingle();
  for (let run = 0; run < 60; run++) {
    await runQueueModel(driver, script(), { queue: `model-${randomUUID()}`, ...limits });
  }
  await driver.close();
});
