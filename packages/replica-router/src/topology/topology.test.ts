import { expect, test } from "vitest";
import { configOf, fakeCluster, knownCluster, threeServers } from "../../test/fake-cluster.ts";

test("who is what is seen by looking", async () => {
  const { topology, roles } = await knownCluster(threeServers());
  expect(roles()).toEqual(["primary", "replica", "replica"]);
  expect(topology.isExplored).toBe(true);
  expect(topology.primary?.name).toBe("p");
  expect(topology.cluster).toEqual({ system: "1", highestTimeline: 1, firstLsn: 100n });
});

test("nobody is primary before each server was looked at: an old primary may answer first", async () => {
  const servers = threeServers();
  const [old, a] = servers;
  a.state = "hung";
  Object.assign(a, { isStandby: false, timeline: 2 });
  const { clock, roles } = fakeCluster(servers);
  await clock.advance(0);
  expect(roles()).toEqual(["unknown", "unknown", "replica"]);
  a.start();
  await clock.advance(0);
  expect(roles()).toEqual(["unknown", "primary", "replica"]);
  expect(old.state).toBe("up");
});

test("a server that never answers is waited for as long as a look takes", async () => {
  const servers = threeServers();
  servers[1].state = "hung";
  const { clock, roles } = fakeCluster(servers);
  await clock.advance(1019);
  expect(roles()[0]).toBe("unknown");
  await clock.advance(1);
  expect(roles()[0]).toBe("primary");
});

test("a promotion is followed, and the old primary gets nothing when it returns as it was", async () => {
  const servers = threeServers();
  const [old, a] = servers;
  const { clock, topology, roles } = await knownCluster(servers);
  old.kill();
  await clock.advance(1000);
  expect(roles()).toEqual(["unknown", "replica", "replica"]);
  a.promote();
  await clock.advance(100);
  expect(roles()).toEqual(["unknown", "primary", "replica"]);
  old.start({ lsn: 1_000_000n });
  await clock.advance(2000);
  expect(roles()).toEqual(["unknown", "primary", "replica"]);
  a.kill();
  await clock.advance(2000);
  expect([topology.primary, roles()[0]]).toEqual([undefined, "unknown"]);
});

test("a server of another cluster has no role", async () => {
  const servers = threeServers();
  servers[2].system = "2";
  const { roles } = await knownCluster(servers);
  expect(roles()).toEqual(["primary", "replica", "unknown"]);
});

test("a hung server: reads are cut at once, the rest after hungMs", async () => {
  const servers = threeServers();
  const [p] = servers;
  const { clock, topology, hostOf, monitor } = await knownCluster(servers, { hungMs: 1000 });
  const host = hostOf(p);
  const [read, write] = await Promise.all([host.acquire("read", 0), host.acquire("write", 0)]);
  p.state = "hung";
  const ends: string[] = [];
  read.run("SELECT 1").catch(() => ends.push("read"));
  write.run("INSERT").catch(() => ends.push("write"));
  void monitor.look(host);
  await clock.advance(220);
  expect([ends, topology.primary]).toEqual([["read"], undefined]);
  await clock.advance(3000);
  expect(ends).toEqual(["read", "write"]);
});

test("what waits at a primary that hangs is cut when another takes its place", async () => {
  const servers = threeServers();
  const [p, a] = servers;
  const { clock, hostOf, monitor } = await knownCluster(servers);
  const write = await hostOf(p).acquire("write", 0);
  p.state = "hung";
  let isLost = false;
  write.run("INSERT").catch(() => {
    isLost = true;
  });
  void monitor.look(hostOf(p));
  await clock.advance(300);
  expect(isLost).toBe(false);
  a.promote();
  await clock.advance(100);
  expect(isLost).toBe(true);
});

test("a server that has said it is no primary is none until it is seen to be", async () => {
  const servers = threeServers();
  const { clock, topology, hostOf, monitor } = await knownCluster(servers);
  topology.demoted(hostOf(servers[0]));
  expect(topology.primary).toBeUndefined();
  void monitor.look(hostOf(servers[0]));
  await clock.advance(0);
  expect(topology.primary?.name).toBe("p");
});

test("who waits for a change is told of one, or that time is up", async () => {
  const servers = threeServers();
  const { clock, topology, hosts } = await knownCluster(servers);
  const told: string[] = [];
  void topology.changed(clock.monotonicNow() + 50).then(() => told.push("late"));
  await clock.advance(50);
  expect(told).toEqual(["late"]);
  void topology.changed(clock.monotonicNow() + 50).then(() => told.push("changed"));
  hosts.use(servers.slice(0, 2).map(configOf));
  await clock.advance(0);
  expect(told).toEqual(["late", "changed"]);
});

test("when no server will ever let us in, that is known", async () => {
  const servers = threeServers();
  const { clock, topology, hostOf } = fakeCluster(servers);
  await clock.advance(0);
  const refused = Object.assign(new Error("wrong"), { code: "28P01", severity: "FATAL" });
  expect(topology.refusal).toBeUndefined();
  for (const server of servers) topology.unreachable(hostOf(server), refused);
  expect(topology.refusal).toBe(refused);
  expect(topology.errors.errors).toEqual([refused, refused, refused]);
});
