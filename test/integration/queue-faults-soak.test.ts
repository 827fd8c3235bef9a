/**
 * One fault after the other, at random, on a Redis with a log and on the workers, while jobs are added
 * and done. In the end nothing is lost, and a worker that has lived through all of it has not grown.
 *
 * `HEADROOM_SOAK_MS=60000` soaks for a minute.
 */

import { requirePositive } from "@headroom/core/options";
import { type RedisNode, startRedis, testSeed, useServers } from "@headroom/harness";
import { afterEach, expect, test } from "vitest";
import { type Effect, slopeOf } from "./queue-fault-account.ts";
import {
  FaultRig,
  type FaultWorker,
  keysOf,
  killWhenWritten,
  LEASE_MS,
  type Measured,
  redisServer,
  wait,
} from "./queue-fault-rig.ts";

const SOAK_MS = requirePositive(
  "HEADROOM_SOAK_MS",
  Number(process.env["HEADROOM_SOAK_MS"] ?? 10_000),
);
const CONCURRENCY = 20;
const ROWS = 8;
/** Slow, so that it has jobs whenever it is struck. */
const MORTAL = { jobMs: 200 };

const redis = useServers(() =>
  startRedis({ settings: { appendonly: "yes", appendfsync: "everysec" } }),
);
const ledger = useServers(() => startRedis());
const { random } = testSeed();

let rig: FaultRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

/** Workers that may be killed, and replaced. */
interface Scene {
  readonly server: RedisNode;
  readonly started: FaultRig;
  readonly mortals: FaultWorker[];
}

const set = (server: RedisNode, name: string, value: string): Promise<unknown> =>
  server.command("CONFIG", "SET", name, value);

/** Each resolves when it is healed. */
const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  "worker killed": async ({ started, mortals }) => {
    await mortals.shift()?.kill9();
    mortals.push(await started.worker(MORTAL));
  },
  "worker stopped": async ({ mortals: [zombie] }) => {
    zombie?.pause();
    await wait(2 * LEASE_MS);
    zombie?.resume();
  },
  "server killed": async ({ server }) => {
    await killWhenWritten(server);
    await wait(300 * random());
    await server.start();
  },
  "server stopped": async ({ server }) => {
    await server.pause();
    await wait(LEASE_MS * random());
    await server.resume();
  },
  "clients killed": ({ server }) => server.command("CLIENT", "KILL", "TYPE", "normal"),
  "clients held up": async ({ server }) => {
    const pauseMs = Math.ceil(LEASE_MS * random());
    await server.command("CLIENT", "PAUSE", pauseMs, "ALL");
    await wait(pauseMs);
  },
  "memory full": async ({ server }) => {
    await set(server, "maxmemory", "1");
    await wait(500 * random());
    await set(server, "maxmemory", "0");
  },
  "scripts forgotten": ({ server }) => server.command("SCRIPT", "FLUSH"),
  "link reset": async ({ server }) => server.link.resetAll(),
  "link stalled": async ({ server }) => {
    server.link.stall();
    await wait(2 * LEASE_MS * random());
    if (random() < 0.5) server.link.resetAll();
    server.link.open();
  },
  "link slow": async ({ server }) => {
    server.link.latency(50, 50);
    await wait(1_000 * random());
    server.link.open();
  },
};

interface Fault {
  readonly name: string;
  /** How many effects there were before it. */
  readonly from: number;
  readonly againMs: number;
}

/** Of each kind: until work went on, and how many effects came again until the next fault. */
function ofEach(
  faults: readonly Fault[],
  effects: readonly Effect[],
): Record<string, { readonly againMs: number[]; readonly duplicates: number[] }> {
  const figures: ReturnType<typeof ofEach> = {};
  const seen = new Set<number>();
  for (const [at, { name, from, againMs }] of faults.entries()) {
    const some = effects.slice(at === 0 ? 0 : from, faults[at + 1]?.from);
    const before = seen.size;
    for (const { index } of some) seen.add(index);
    const { againMs: times, duplicates } = figures[name] ?? { againMs: [], duplicates: [] };
    const again = some.length - (seen.size - before);
    figures[name] = { againMs: [...times, againMs], duplicates: [...duplicates, again] };
  }
  return figures;
}

test("a soak in faults", { timeout: SOAK_MS + 60_000 }, async () => {
  const server = redis().primary;
  const started = new FaultRig(redisServer(server), ledger().primary.direct);
  rig = started;
  const survivor = await started.worker();
  const mortals = await Promise.all([started.worker(MORTAL), started.worker(MORTAL)]);
  const here = started.workHere(CONCURRENCY);
  const adding = started.producer(ROWS, { key: keysOf(200) });
  await started.reaches(500);
  const samples: (Measured & { readonly atMs: number })[] = [];
  const faults: Fault[] = [];
  const beganMs = performance.now();
  let bag: string[] = [];
  while (performance.now() - beganMs < SOAK_MS) {
    // All of them, in any order, before one comes again.
    if (bag.length === 0) bag = Object.keys(FAULTS);
    const [name = ""] = bag.splice(Math.floor(random() * bag.length), 1);
    const from = await started.effectCount();
    await FAULTS[name]?.({ server, started, mortals });
    const healedMs = performance.now();
    // Somebody does something again: work goes on before the next fault.
    await started.reaches((await started.effectCount()) + 4 * CONCURRENCY + 1);
    faults.push({ name, from, againMs: Math.round(performance.now() - healedMs) });
    await wait(500 * random());
    samples.push({ ...(await survivor.measure()), atMs: performance.now() });
  }
  await adding.end();
  await started.drained();
  const { dead, held } = await started.queue.stats();
  await here.stop();
  const stats = await Promise.all([survivor, ...mortals].map((worker) => worker.stop()));
  const heap = samples.map(({ atMs, heapBytes }) => [atMs / 1_000, heapBytes / 1_024] as const);
  const grownKiB = (heap.at(-1)?.[1] ?? 0) - (heap[0]?.[1] ?? 0);
  const settledSlope = slopeOf(heap.slice(Math.floor(heap.length / 2)));
  const handles = samples.map((sample) => sample.handles);
  const account = await started.account("soak", {
    faults: faults.length,
    heapGrownKiB: Math.round(grownKiB),
    heapKiBPerSecond: Math.round(settledSlope),
    handles: handles.join(" "),
    leaseLost: stats.reduce((sum, { leaseLost = 0 }) => sum + leaseLost, 0),
    ofEach: ofEach(faults, await started.effects()),
  });
  expect(account).toMatchObject({ lost: [], unexpected: [], outOfOrder: 0 });
  expect({ dead, held }).toEqual({ dead: 0, held: 0 });
  // At worst all that was under way comes again, at each fault.
  expect(account.duplicates).toBeLessThanOrEqual(faults.length * (4 * CONCURRENCY + ROWS));
  for (const { againMs } of faults) expect(againMs).toBeLessThan(LEASE_MS + 4_000);
  // What is compiled and cached in the first seconds is no leak.
  expect(grownKiB).toBeLessThan(4_096);
  if (SOAK_MS >= 30_000) expect(settledSlope).toBeLessThan(50);
  expect(Math.max(...handles)).toBeLessThanOrEqual((handles[0] ?? 0) + 4);
});
