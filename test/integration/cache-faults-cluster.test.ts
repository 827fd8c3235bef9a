import { eventually, startRedisCluster, testSeed, useServers } from "@headroom/harness";
import { Cluster } from "ioredis";
import { expect, test } from "vitest";
import { CacheFleet } from "./cache-load.ts";

/**
 * A master of a Cluster is killed under load and its replica takes over. No read fails and none
 * waits long. The failover may lose the invalidations of its last moment (replication is
 * asynchronous): what is stale for that is counted, and `clear` ends it.
 */

const redis = useServers(() => startRedisCluster());
const { random } = testSeed();
/** The failover is over within this time. Who waits for it, and not for a time limit, waits for most of it. */
const OUTAGE_MS = 6_000;
/** A lease whose holder lost its server holds up the others for no longer than this. */
const WAIT_FOR_LOAD_MS = 1_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a master is killed, its replica takes over", async () => {
  const clients = [0, 1, 2].map(() => {
    const made = new Cluster(
      redis().nodes.map(({ via }) => via),
      { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50 },
    );
    made.on("error", () => {});
    return made;
  });
  const fleet = new CacheFleet(clients, { waitForLoadMs: WAIT_FOR_LOAD_MS });
  try {
    const everywhere = (): boolean => fleet.caches.every((cache) => cache.stats().bus === "synced");
    await eventually("every process hears the bus", everywhere);
    const course = async (): Promise<void> => {
      await wait(500);
      const [master] = await redis().masters();
      await master?.kill9();
      await wait(OUTAGE_MS);
    };
    await fleet.run(course(), random);
    const account = fleet.account();
    console.log("a master killed:", JSON.stringify(account));
    expect(account.reads).toBeGreaterThan(500);
    expect(account.failed).toBe(0);
    expect(account.maxMs).toBeLessThan(OUTAGE_MS / 2);
    await eventually("every process hears the bus again", everywhere);
    await eventually("the Cluster takes an invalidation", async () => {
      const outcomes = await Promise.all(fleet.caches.map((cache) => cache.clear()));
      return outcomes.every(({ status }) => status === "done");
    });
    await eventually("all reads are right", async () => (await fleet.readAll()) === 0);
  } finally {
    await fleet.close();
    for (const client of clients) client.disconnect();
  }
});
