/** The Redis driver while a primary dies and another takes over, by Sentinels and in a Cluster. */

import { randomUUID } from "node:crypto";
import {
  eventually,
  RedisSentinelSet,
  startRedisCluster,
  startRedisSentinel,
  useServers,
} from "@headroom/harness";
import type { NewJob, QueueDriver, QueueSettings } from "@headroom/queue";
import { redisDriver } from "@headroom/queue/redis";
import { Cluster, Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

const cluster = useServers(() => startRedisCluster());
const sentinel = useServers(() => startRedisSentinel());
const WITHIN = { withinMs: 30_000 };

function openCluster(): QueueDriver {
  const client = new Cluster(
    cluster().nodes.map(({ via }) => via),
    { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50, slotsRefreshTimeout: 5_000 },
  );
  return opened(client);
}

function openSentinel(): QueueDriver {
  const sentinels = sentinel().sentinels.map(({ via }) => via);
  return opened(
    new Redis({ sentinels, name: RedisSentinelSet.masterName, sentinelRetryStrategy: () => 100 }),
  );
}

function opened(client: Cluster | Redis): QueueDriver {
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  const driver = redisDriver(client, { timeoutMs: 1_000 });
  onTestFinished(() => driver.close());
  return driver;
}

function settings(): QueueSettings {
  return {
    name: `failover-${randomUUID()}`,
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 60_000, count: 100 } },
  };
}

function job(): NewJob {
  return {
    id: randomUUID(),
    mayExist: false,
    name: "work",
    body: "{}",
    headers: {},
    delayMs: 0,
    priority: 0,
    maxAttempts: 5,
    key: undefined,
    dedup: undefined,
    parent: undefined,
  };
}

/** Whoever waits for jobs of these queues is told, and gets them, after the fault as before it. */
async function goesOn(driver: QueueDriver, fault: () => Promise<void>): Promise<void> {
  const queues = [settings(), settings(), settings()];
  const heard = new Map<string, number>();
  const taken = new Map<string, number>();
  for (const queue of queues) {
    const subscription = driver.subscribe(queue, ["ready"], async () => {
      heard.set(queue.name, (heard.get(queue.name) ?? 0) + 1);
      const claim = await driver
        .claim(queue, { limit: 10, leaseMs: 60_000 })
        .catch(() => ({ jobs: [] }));
      taken.set(queue.name, (taken.get(queue.name) ?? 0) + claim.jobs.length);
    });
    onTestFinished(() => subscription.close());
    await subscription.ready;
  }
  const addedAndTaken = () =>
    Promise.all(
      queues.map(async (queue) => {
        const before = taken.get(queue.name) ?? 0;
        await eventually(
          "a job is added",
          () =>
            driver.enqueue(queue, [job()]).then(
              () => true,
              (error) => {
                expect(error).toMatchObject({ code: "QUEUE_UNAVAILABLE", retryable: true });
                return undefined;
              },
            ),
          WITHIN,
        );
        await eventually(
          "a job is taken",
          () => ((taken.get(queue.name) ?? 0) > before ? true : undefined),
          WITHIN,
        );
      }),
    );
  await addedAndTaken();
  await fault();
  await addedAndTaken();
}

test("in a Cluster a master is killed and replaced", async () => {
  await goesOn(openCluster(), async () => {
    const [master] = await cluster().masters();
    await master?.kill9();
  });
});

test("in a Cluster a master is frozen and replaced", async () => {
  await goesOn(openCluster(), async () => {
    const [master] = await cluster().masters();
    await master?.pause();
  });
});

test("a primary is killed, and the Sentinels name another", async () => {
  await goesOn(openSentinel(), async () => {
    const primary = await sentinel().primary();
    await primary?.kill9();
  });
});
