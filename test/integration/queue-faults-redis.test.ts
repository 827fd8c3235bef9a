/**
 * Redis is killed, emptied, filled up, held up and replaced, under producers and workers. What it has
 * acknowledged and kept is done; what it has not kept is counted as lost, and nothing else is.
 */

import {
  eventually,
  type RedisNode,
  type RedisReplicaSet,
  startRedis,
  testSeed,
  useServers,
} from "@headroom/harness";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import {
  FaultRig,
  indexesIn,
  keysOf,
  killWhenWritten,
  LEASE_MS,
  redisServer,
  wait,
} from "./queue-fault-rig.ts";

/** Keeps what it has acknowledged, but for a second if its machine dies. */
const durable = useServers(() =>
  startRedis({ settings: { appendonly: "yes", appendfsync: "everysec" } }),
);
/** Keeps nothing. */
const plain = useServers(() => startRedis());
const replicated = useServers(() => startRedis({ replicas: 1 }));
const ledger = useServers(() => startRedis());
testSeed();

let rig: FaultRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

function start(servers: RedisReplicaSet): { started: FaultRig; server: RedisNode } {
  const server = servers.primary;
  rig = new FaultRig(redisServer(server), ledger().primary.direct);
  return { started: rig, server };
}

const IN_ORDER = { lost: [], unexpected: [], outOfOrder: 0 } as const;
const CONCURRENCY = 20;

describe("the server dies", () => {
  test("kill -9 with a log, under load: nothing is lost, and work goes on at once", async () => {
    const { started, server } = start(durable());
    const workers = await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(4, { key: keysOf(100) });
    await started.reaches(200);
    await killWhenWritten(server);
    await wait(500);
    const before = workers.reduce((sum, worker) => sum + worker.count("started"), 0);
    await server.start();
    const backMs = performance.now();
    await eventually("a job is begun", () => {
      return workers.reduce((sum, worker) => sum + worker.count("started"), 0) > before;
    });
    const firstJobMs = Math.round(performance.now() - backMs);
    const acked = started.acknowledged;
    await eventually("jobs are added", () => started.acknowledged > acked + 50);
    await adding.end();
    await started.drained();
    const account = await started.account("kill -9 with AOF", { firstJobMs });
    expect(account).toMatchObject(IN_ORDER);
    expect(firstJobMs).toBeLessThan(2_000);
    // Jobs whose settlement was under way, or those that were added twice by the client.
    expect(account.duplicates).toBeLessThanOrEqual(2 * CONCURRENCY + 4);
  });

  test("a restart with nothing left: the loss is seen, and new jobs are done", async () => {
    const { started, server } = start(plain());
    await started.add(100);
    await started.worker({ jobMs: 20 });
    await started.reaches(20);
    const stats = await started.queue.stats();
    await server.kill9();
    await server.start();
    await started.add(50);
    await eventually("a new job is done", async () => {
      return (await started.effects()).some(({ index }) => index >= 100);
    });
    await started.drained();
    const account = await started.account("restart, empty", { waiting: stats.ready });
    expect(account.valid).toBe(false);
    expect(account.lost.length).toBeGreaterThan(0);
    expect(account.lost.length).toBeLessThanOrEqual(stats.ready + stats.active);
    expect(account.lost.every((index) => Number(index) < 100)).toBe(true);
    expect(account).toMatchObject({ unexpected: [], duplicates: 0, acknowledgedCount: 150 });
  });

  test("a replica takes over: what it had not received is lost, and nothing more", async () => {
    const { started, server } = start(replicated());
    const [replica] = replicated().replicas;
    if (replica === undefined) throw new Error("no replica");
    await Promise.all([started.worker({ jobMs: 50 }), started.worker({ jobMs: 50 })]);
    await started.add(300, { key: keysOf(100) });
    await started.reaches(50);
    replica.replication.stall();
    await started.add(100, { key: keysOf(100) });
    await started.reaches(100);
    await server.kill9();
    await replicated().promote(replica);
    const before = new Set((await started.effects()).map(({ index }) => index));
    const known = indexesIn((await replica.command("HVALS", "hrq:{work}:jobs")) as string[]);
    onTestFinished(() => server.link.retarget(server.direct));
    server.link.retarget(replica.direct);
    await started.add(50, { key: keysOf(100) });
    await started.drained();
    const account = await started.account("a replica takes over", { known: known.size });
    const gone = started.acknowledgedBefore(400).filter((at) => !known.has(at) && !before.has(at));
    expect(account.lost.length).toBeGreaterThan(0);
    expect(account.lost).toEqual(gone);
    expect(account).toMatchObject({ unexpected: [], outOfOrder: 0 });
    // The replica did not know that they were done.
    expect(account.repeated.filter((index) => !known.has(index))).toEqual([]);
  });
});

describe("the server suffers", () => {
  test("its memory is full: adding is refused, what is there is done, adding works again", async () => {
    const { started, server } = start(plain());
    await started.add(200, { key: keysOf(100) });
    await server.command("CONFIG", "SET", "maxmemory", "1");
    await started.add(20);
    const workers = await Promise.all([started.worker(), started.worker()]);
    await started.drained();
    const atFull = await started.effectCount();
    await started.add(5);
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await started.add(50, { key: keysOf(100) });
    await started.drained();
    const stats = await Promise.all(workers.map((worker) => worker.stop()));
    const done = stats.reduce((sum, { done = 0 }) => sum + done, 0);
    const account = await started.account("OOM", { atFull, refused: started.refusals.length });
    expect(atFull).toBe(200);
    expect(started.refusals).toEqual(Array(25).fill("QUEUE_UNAVAILABLE"));
    expect(account).toMatchObject({ ...IN_ORDER, duplicates: 0, recovered: [], okCount: 250 });
    expect(done).toBe(250);
  });

  test("all connections are killed again and again", async () => {
    const { started, server } = start(plain());
    await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(4, { key: keysOf(100) });
    await started.reaches(50);
    for (let times = 0; times < 8; times++) {
      await server.command("CLIENT", "KILL", "TYPE", "normal");
      await started.reaches((await started.effectCount()) + 30);
    }
    await adding.end();
    await started.drained();
    const account = await started.account("CLIENT KILL × 8");
    expect(account).toMatchObject(IN_ORDER);
    // A client that has lost its connection adds again what was under way.
    expect(account.duplicates).toBeLessThanOrEqual(8 * 4);
  });

  test.each([
    ["half a lease", LEASE_MS / 2, 0],
    ["two leases", 2 * LEASE_MS, 2 * CONCURRENCY],
  ])("it is held up for %s", async (name, pauseMs, mostDuplicates) => {
    const { started, server } = start(plain());
    await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(4, { key: keysOf(100) });
    await started.reaches(50);
    await server.command("CLIENT", "PAUSE", pauseMs, "ALL");
    const before = await started.effectCount();
    await wait(pauseMs);
    const overMs = performance.now();
    await started.reaches(before + 2 * CONCURRENCY + 1);
    const againMs = Math.round(performance.now() - overMs);
    await adding.end();
    await started.drained();
    const account = await started.account(`CLIENT PAUSE, ${name}`, { againMs });
    expect(account).toMatchObject(IN_ORDER);
    expect(account.duplicates).toBeLessThanOrEqual(mostDuplicates);
  });

  test.each([
    ["and heals", () => {}],
    ["and is reset", (server: RedisNode) => server.link.resetAll()],
  ])("a link on which nothing passes for two leases %s", async (name, heal) => {
    const { started, server } = start(plain());
    const workers = await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(4, { key: keysOf(100) });
    await started.reaches(50);
    server.link.stall();
    await wait(2 * LEASE_MS);
    heal(server);
    server.link.open();
    const overMs = performance.now();
    const before = await started.effectCount();
    await started.reaches(before + 2 * CONCURRENCY + 1);
    const againMs = Math.round(performance.now() - overMs);
    await adding.end();
    await started.drained();
    const stats = await Promise.all(workers.map((worker) => worker.stop()));
    const account = await started.account(`half-open link ${name}`, { againMs, workers: stats });
    expect(account).toMatchObject(IN_ORDER);
    // What was under way when it broke, and what the client sent again.
    expect(account.duplicates).toBeLessThanOrEqual(2 * CONCURRENCY + 4);
  });
});
