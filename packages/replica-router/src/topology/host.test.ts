import { expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";

async function replica(options?: Parameters<typeof knownCluster>[1]) {
  const servers = threeServers();
  const cluster = await knownCluster(servers, options);
  return { ...cluster, server: servers[1], host: cluster.hostOf(servers[1]) };
}

test("what is under way is counted, also where no connection comes", async () => {
  const { host, server } = await replica();
  const lease = await host.acquire("read", 0);
  expect(host.inFlight).toBe(1);
  host.release(lease);
  expect(host.inFlight).toBe(0);
  server.kill();
  await expect(host.acquire("read", 0)).rejects.toThrow("ECONNREFUSED");
  expect(host.inFlight).toBe(0);
});

test("silence counts from when there is something to answer", async () => {
  const { host } = await replica();
  const first = await host.acquire("read", 500);
  expect(host.answeredMs).toBe(500);
  const second = await host.acquire("read", 900);
  expect(host.answeredMs).toBe(500);
  host.release(first);
  host.release(second);
});

test("it weighs nothing while it is out of rotation, and says when it goes and comes", async () => {
  const { host } = await replica();
  expect(host.weightAt(1)).toBe(1);
  expect(host.note({ type: "eject" }, 1)).toBe(true);
  expect(host.note({ type: "eject" }, 1)).toBe(false);
  expect(host.weightAt(1)).toBe(0);
  expect(host.note({ type: "probe" }, 5000)).toBe(false);
  expect(host.note({ type: "success", startedMs: 5000 }, 5000)).toBe(true);
  expect([host.health.status, host.weightAt(5000)]).toEqual(["healthy", 1]);
});

test("it is explored by a look that failed as well, reachable only by one that did not", async () => {
  const { clock, host, server } = await replica();
  expect([host.isExplored, host.isReachable, host.outages]).toEqual([true, true, 0]);
  server.kill();
  await clock.advance(1200);
  expect([host.isExplored, host.isReachable, host.outages]).toEqual([true, false, 1]);
  expect(host.failedLooks).toBeGreaterThan(1);
});
