import { expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";

test("each server is looked at every interval while all is well", async () => {
  const servers = threeServers();
  const { clock } = await knownCluster(servers, { intervalMs: 1000 });
  expect(servers.map(({ looks }) => looks)).toEqual([1, 1, 1]);
  await clock.advance(5000);
  expect(servers.map(({ looks }) => looks)).toEqual([6, 6, 6]);
});

test("while nobody is primary all are looked at often", async () => {
  const servers = threeServers();
  const [p, a, b] = servers;
  const { clock } = await knownCluster(servers);
  p.kill();
  await clock.advance(1000);
  const before = a.looks;
  await clock.advance(500);
  expect(a.looks - before).toBe(10);
  expect(b.looks).toBe(a.looks);
});

test("a server that does not answer is asked less and less often, and soon again at first", async () => {
  const servers = threeServers();
  const [, a] = servers;
  const { clock, hostOf } = await knownCluster(servers);
  a.kill();
  await clock.advance(1000);
  expect(hostOf(a).failedLooks).toBe(1);
  const failed: number[] = [];
  for (let n = 0; n < 7; n++) {
    await clock.advance(n < 4 ? 100 * 2 ** n : 1000);
    failed.push(hostOf(a).failedLooks);
  }
  expect(failed).toEqual([2, 3, 4, 5, 6, 7, 8]);
  a.start();
  await clock.advance(1000);
  expect(hostOf(a)).toMatchObject({ failedLooks: 0, role: "replica" });
});

test("who is busy and quiet is looked at at once; who is well then, later and later", async () => {
  const servers = threeServers();
  const [, a] = servers;
  const { clock, monitor, hostOf } = await knownCluster(servers, { intervalMs: 100_000 });
  await hostOf(a).acquire("read", clock.monotonicNow());
  monitor.busy();
  await clock.advance(99);
  expect(a.looks).toBe(1);
  await clock.advance(1);
  expect(a.looks).toBe(2);
  await clock.advance(600);
  expect(a.looks).toBe(4);
  monitor.answered(hostOf(a), clock.monotonicNow());
  await clock.advance(100);
  expect(a.looks).toBe(5);
});

test("a look is over when one that began after the question is", async () => {
  const servers = threeServers();
  const [p] = servers;
  const { clock, monitor, hostOf } = await knownCluster(servers);
  p.lsn = 200n;
  const looking = monitor.look(hostOf(p));
  p.lsn = 300n;
  const later = monitor.look(hostOf(p));
  await clock.advance(0);
  await looking;
  await later;
  expect([p.looks, hostOf(p).observation?.lsn]).toEqual([3, 300n]);
});

test("who has left, and who is closed, is not looked at any more", async () => {
  const servers = threeServers();
  const [p, a, b] = servers;
  const { clock, monitor, hostOf } = await knownCluster(servers);
  monitor.forget(hostOf(b));
  await clock.advance(5000);
  expect([p.looks, a.looks, b.looks]).toEqual([6, 6, 1]);
  monitor.close();
  await clock.advance(5000);
  expect([p.looks, clock.pending]).toEqual([6, 0]);
});
