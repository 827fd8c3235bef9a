/**
 * Workers are killed, stopped, blocked and told the wrong time. Whatever happens to them: no job is
 * lost, none is made up, keys keep their order, and an effect is there twice only where it must be.
 */

import { startPostgres, startRedis, testSeed, useServers } from "@headroom/harness";
import { afterEach, describe, expect, test } from "vitest";
import { BLOCKING } from "./queue-fault-orders.ts";
import {
  FaultRig,
  type FaultWorker,
  keysOf,
  LEASE_MS,
  postgresServer,
  redisServer,
  wait,
} from "./queue-fault-rig.ts";

const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres());
const ledger = useServers(() => startRedis());
testSeed();

let rig: FaultRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const SERVERS = [
  ["Redis", async () => redisServer(redis().primary)],
  ["PostgreSQL", async () => postgresServer(postgres().primary, await postgres().createDatabase())],
] as const;

/** Longer than any test. */
const FOREVER_MS = 120_000;
const NOTHING_WRONG = { lost: [], unexpected: [], duplicates: 0, outOfOrder: 0 } as const;

/** From the kill until the last of what the dead had begun was begun by another. */
function recoveryMs(dead: readonly FaultWorker[], heir: FaultWorker, killedMs: number): number {
  const starts = heir.startsMs;
  const held = dead.flatMap((worker) => worker.unfinished);
  return Math.max(...held.map((index) => (starts.get(index) ?? Infinity) - killedMs));
}

describe.each(SERVERS)("%s", (_, server) => {
  async function start(): Promise<FaultRig> {
    rig = new FaultRig(await server(), ledger().primary.direct);
    return rig;
  }

  test("kill -9 in the middle of jobs: another has them soon after their lease", async () => {
    const started = await start();
    const doomed = await started.worker({ jobMs: FOREVER_MS });
    await started.add(20, { key: keysOf(40) });
    await doomed.hears("started", 20);
    const heir = await started.worker();
    const adding = started.producer(2, { key: keysOf(40) });
    await heir.hears("effect", 50);
    await doomed.kill9();
    const killedMs = performance.now();
    await heir.hears("effect", 150);
    await adding.end();
    await started.drained();
    const tookMs = recoveryMs([doomed], heir, killedMs);
    const account = await started.account("kill -9 mid-job", { recoveryMs: Math.round(tookMs) });
    expect(account).toMatchObject({ ...NOTHING_WRONG, highestAttempt: 2 });
    expect(doomed.unfinished).toHaveLength(20);
    expect(tookMs).toBeLessThan(LEASE_MS + 1_000);
  });

  test("kill -9 between effect and acknowledgement: exactly these effects are there twice", async () => {
    const started = await start();
    const doomed = await started.worker({ hangsAfterEffect: true });
    await started.add(100, { key: keysOf(50) });
    await doomed.hears("effect", 20);
    await doomed.kill9();
    const before = (await started.effects()).map(({ index }) => index);
    await started.worker();
    await started.drained();
    const account = await started.account("kill -9 between effect and ack");
    expect(account).toMatchObject({ ...NOTHING_WRONG, duplicates: 20, highestAttempt: 2 });
    expect(account.repeated.toSorted()).toEqual(before.toSorted());
  });

  test("kill -9 while jobs wait in the worker: these come back too", async () => {
    const started = await start();
    await started.add(100);
    const doomed = await started.worker({ concurrency: 2, prefetch: 30, jobMs: FOREVER_MS });
    await doomed.hears("started", 2);
    await expect.poll(async () => (await started.queue.stats()).active).toBe(32);
    await doomed.kill9();
    const killedMs = performance.now();
    await started.worker();
    await started.drained();
    const drainedMs = Math.round(performance.now() - killedMs);
    const account = await started.account("kill -9 holding prefetched jobs", { drainedMs });
    expect(account).toMatchObject({ ...NOTHING_WRONG, highestAttempt: 2 });
    const again = (await started.effects()).filter(({ attempt }) => attempt === 2);
    expect(again).toHaveLength(32);
  });

  test("all workers are killed: the one that comes later has everything", async () => {
    const started = await start();
    const doomed = await Promise.all([
      started.worker({ jobMs: FOREVER_MS }),
      started.worker({ jobMs: FOREVER_MS }),
    ]);
    await started.add(100, { key: keysOf(50) });
    await Promise.all(doomed.map((worker) => worker.hears("started", 20)));
    await Promise.all(doomed.map((worker) => worker.kill9()));
    const killedMs = performance.now();
    await started.add(50, { key: keysOf(50) });
    const heir = await started.worker();
    await started.drained();
    const tookMs = recoveryMs(doomed, heir, killedMs);
    const account = await started.account("all workers killed", { recoveryMs: Math.round(tookMs) });
    expect(account).toMatchObject({ ...NOTHING_WRONG, acknowledgedCount: 150, highestAttempt: 2 });
  });

  test("stopped for two leases: the zombie's results are refused", async () => {
    const started = await start();
    const zombie = await started.worker({ jobMs: 300 });
    await started.add(60, { key: keysOf(60) });
    await zombie.hears("started", 20);
    zombie.pause();
    const pausedMs = performance.now();
    const held = zombie.unfinished;
    const heir = await started.worker();
    await started.drained();
    await wait(pausedMs + 2 * LEASE_MS - performance.now());
    const before = await started.effectCount();
    zombie.resume();
    await zombie.hears("effect", 20);
    const stats = await zombie.stop();
    const account = await started.account("SIGSTOP, jobs over", { worker: stats });
    expect(before).toBe(60);
    expect(heir.count("effect")).toBe(60);
    expect(account).toMatchObject({ ...NOTHING_WRONG, duplicates: held.length });
    expect(account.repeated.toSorted()).toEqual(held.toSorted());
    expect(stats).toMatchObject({ done: 0, retried: 0, leaseLost: held.length });
  });

  test("stopped for two leases: the zombie's jobs are told that their lease is lost", async () => {
    const started = await start();
    const zombie = await started.worker({ jobMs: FOREVER_MS, heedsSignal: true });
    await started.add(60, { key: keysOf(60) });
    await zombie.hears("started", 20);
    zombie.pause();
    const pausedMs = performance.now();
    await started.worker();
    await started.drained();
    await wait(pausedMs + 2 * LEASE_MS - performance.now());
    zombie.resume();
    await zombie.hears("aborted", 20);
    const stats = await zombie.stop();
    const account = await started.account("SIGSTOP, jobs under way", { worker: stats });
    expect(zombie.aborts).toEqual(Array(20).fill("QUEUE_LEASE_LOST"));
    expect(account).toMatchObject({ ...NOTHING_WRONG, highestAttempt: 2 });
    expect(stats).toMatchObject({ done: 0, retried: 0, leaseLost: 20 });
  });

  test("an event loop that is blocked for two leases: its jobs are run by another", async () => {
    const started = await start();
    const both = await Promise.all([
      started.worker({ blockMs: 2 * LEASE_MS }),
      started.worker({ blockMs: 2 * LEASE_MS }),
    ]);
    await started.add(60);
    await started.drained();
    const first = { kind: "started", index: BLOCKING, attempt: 1 } as const;
    const [blocked, heir] = both[0].has(first) ? both : both.toReversed();
    await blocked?.hears("effect", 1);
    const stats = (await blocked?.stop()) ?? {};
    const account = await started.account("blocked loop", { worker: stats });
    expect(account).toMatchObject({ lost: [], unexpected: [], highestAttempt: 2 });
    expect(blocked?.has(first)).toBe(true);
    expect(heir?.has({ kind: "effect", index: BLOCKING, attempt: 2 })).toBe(true);
    // Each of them was under way in the blocked worker, and its result came too late.
    expect(account.duplicates).toBeGreaterThan(0);
    expect(account.duplicates).toBeLessThanOrEqual(20);
    expect(stats["leaseLost"]).toBeGreaterThanOrEqual(account.duplicates);
  });

  test("clocks that are ten minutes fast and slow change nothing", async () => {
    const started = await start();
    const skewed = await Promise.all([
      started.worker({ skewMs: 600_000, jobMs: LEASE_MS + 500, concurrency: 10 }),
      started.worker({ skewMs: -600_000, jobMs: LEASE_MS + 500, concurrency: 10 }),
    ]);
    const addedMs = performance.now();
    await started.add(10, { key: keysOf(15) });
    await started.add(10, { delayMs: 1_000 });
    await started.drained();
    const starts = new Map(skewed.flatMap((worker) => [...worker.startsMs]));
    const early = [...starts].filter(([index, ms]) => index >= 10 && ms - addedMs < 1_000);
    const account = await started.account("clock skew", { tookMs: performance.now() - addedMs });
    expect(account).toMatchObject({ ...NOTHING_WRONG, acknowledgedCount: 20, highestAttempt: 1 });
    expect(early).toEqual([]);
    expect(skewed.flatMap((worker) => worker.aborts)).toEqual([]);
  });

  test("a worker that is stopped under load ends its jobs and gives back the others", async () => {
    const started = await start();
    const leaving = await started.worker({ jobMs: 50, prefetch: 40 });
    const staying = await started.worker({ jobMs: 50 });
    await started.add(400, { key: keysOf(100) });
    await leaving.hears("effect", 60);
    const stats = await leaving.stop();
    await started.drained();
    const account = await started.account("graceful stop", { worker: stats });
    expect(account).toMatchObject({ ...NOTHING_WRONG, acknowledgedCount: 400, highestAttempt: 1 });
    expect(stats["released"]).toBeGreaterThan(0);
    expect(stats["done"]).toBe(leaving.count("effect"));
    expect(staying.count("effect")).toBe(400 - leaving.count("effect"));
  });

  test("jobs that do not end before a stop are given back with their attempt", async () => {
    const started = await start();
    await started.add(60);
    const leaving = await started.worker({ jobMs: FOREVER_MS, heedsSignal: true });
    await leaving.hears("started", 20);
    const stats = await leaving.stop(0);
    await started.worker();
    await started.drained();
    const account = await started.account("graceful stop, jobs aborted", { worker: stats });
    expect(account).toMatchObject({ ...NOTHING_WRONG, highestAttempt: 1 });
    expect(leaving.aborts).toEqual(Array(20).fill("QUEUE_STOPPING"));
    expect(stats).toMatchObject({ released: 20, done: 0 });
  });
});
