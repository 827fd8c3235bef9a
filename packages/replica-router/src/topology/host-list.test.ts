import { expect, test } from "vitest";
import { configOf, knownCluster, threeServers } from "../../test/fake-cluster.ts";

test("who stays on the list keeps what is known of him", async () => {
  const servers = threeServers();
  const { hosts, topology, hostOf } = await knownCluster(servers);
  const before = topology.hosts;
  hosts.use([configOf(servers[2]), configOf(servers[0])]);
  expect(topology.hosts).toEqual([before[2], before[0]]);
  expect(topology.primary).toBe(hostOf(servers[0]));
});

test("who has left gets nothing more, and what is under way has its time", async () => {
  const servers = threeServers();
  const [p, a, b] = servers;
  const { hosts, clock, hostOf } = await knownCluster(servers);
  const host = hostOf(b);
  const lease = await host.acquire("bound", 0);
  hosts.use([configOf(p), configOf(a)]);
  expect(host.role).toBe("unknown");
  await clock.advance(29_999);
  expect([lease.isBroken, b.looks]).toEqual([false, 1]);
  await clock.advance(1);
  expect(lease.isBroken).toBe(true);
});

test("who comes is looked at, and a promotion while he was away is seen", async () => {
  const servers = threeServers();
  const [p, a, b] = servers;
  const { hosts, clock, roles } = await knownCluster(servers);
  hosts.use([configOf(p), configOf(a)]);
  b.promote();
  hosts.use(servers.map(configOf));
  await clock.advance(0);
  expect(roles()).toEqual(["unknown", "replica", "primary"]);
});

test("closed: no connection is left, and nothing is to come", async () => {
  const servers = threeServers();
  const { hosts, clock, run, monitor } = await knownCluster(servers);
  await run("SELECT 1");
  await hosts.close(Promise.resolve());
  monitor.close();
  await clock.advance(60_000);
  expect(servers.map(({ clients }) => clients.size)).toEqual([0, 0, 0]);
});
