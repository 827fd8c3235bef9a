import { expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";
import { sqlError } from "../../test/fake-postgres.ts";
import { waitForReplay } from "./replay-wait.ts";

async function start() {
  const [p, a, b] = threeServers();
  const cluster = await knownCluster([p, a, b]);
  const { topology, monitor, clock, hostOf } = cluster;
  const wait = (lsn: bigint, waitMs: number) =>
    waitForReplay({
      replicas: () => [hostOf(a), hostOf(b)],
      lsn,
      look: (host) => monitor.look(host),
      find: () =>
        topology.hosts.filter(
          ({ role, observation }) => role === "replica" && (observation?.lsn ?? 0n) >= lsn,
        ),
      clock,
      waitMs,
    });
  return { p, a, b, ...cluster, wait };
}

test("replicas are looked at until one is far enough", async () => {
  const { a, b, clock, wait } = await start();
  const waiting = wait(200n, 1000);
  await clock.advance(20);
  expect(a.looks).toBeGreaterThan(3);
  b.lsn = 200n;
  await clock.advance(5);
  expect((await waiting).map(({ name }) => name)).toEqual(["b"]);
});

test("nobody in time is nobody; a replica that hangs holds nobody up", async () => {
  const { a, b, clock, wait } = await start();
  a.state = "hung";
  const waiting = wait(200n, 50);
  await clock.advance(50);
  expect(await waiting).toEqual([]);
  const second = wait(200n, 100);
  b.lsn = 200n;
  await clock.advance(20);
  expect((await second).map(({ name }) => name)).toEqual(["b"]);
});

test("a server that can wait is asked to, once", async () => {
  const { a, b, clock, hostOf, monitor, wait } = await start();
  a.version = 190_000;
  for (const client of [...a.clients]) client.lose(new Error("Connection terminated"));
  void monitor.look(hostOf(a));
  await clock.advance(500);
  expect(hostOf(a).observation?.version).toBe(190_000);
  b.state = "hung";
  let reached = (): void => {};
  a.gate = (_, what) =>
    what === "answers"
      ? new Promise<void>((resolve) => {
          reached = resolve;
        })
      : Promise.resolve();
  const looks = a.looks;
  const waiting = wait(0x1_0000_00c8n, 250);
  await clock.advance(100);
  expect(a.ran).toEqual([
    "WAIT FOR LSN '1/C8' WITH (MODE 'standby_replay', TIMEOUT '250ms', NO_THROW)",
  ]);
  expect(a.looks).toBe(looks);
  a.lsn = 0x1_0000_00c8n;
  reached();
  await clock.advance(0);
  expect((await waiting).map(({ name }) => name)).toEqual(["a"]);
  expect(hostOf(a).inFlight).toBe(0);
});

test("where it cannot after all, looks do", async () => {
  const { a, clock, hostOf, monitor, wait } = await start();
  a.version = 190_000;
  a.answer = () => sqlError("42601");
  for (const client of [...a.clients]) client.lose(new Error("Connection terminated"));
  void monitor.look(hostOf(a));
  await clock.advance(500);
  const waiting = wait(200n, 250);
  await clock.advance(20);
  a.lsn = 200n;
  await clock.advance(20);
  expect((await waiting).map(({ name }) => name)).toEqual(["a"]);
  expect(hostOf(a).inFlight).toBe(0);
});
