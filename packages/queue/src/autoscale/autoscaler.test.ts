import { type QueueScale, queueLoad, queueScale } from "@headroom/core/channels";
import { seededRandom } from "@headroom/core/random";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import type { QueueStats } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";
import { type Autoscaler, createAutoscaler } from "./autoscaler.ts";
import type { AutoscalerOptions, ScalableWorker } from "./autoscaler-options.ts";

/** A queue and its workers as a sum: each slot does `1,000 / runtimeMs` jobs a second. */
class Plant {
  readonly name = "photos";
  added = 0;
  ended = 0;
  slots = 0;
  isAway = false;
  readonly runtimeMs: number;

  constructor(runtimeMs: number) {
    this.runtimeMs = runtimeMs;
  }

  add(jobs: number): void {
    this.added += jobs;
  }

  /** A second passes. */
  work(): void {
    this.ended += Math.min(this.added - this.ended, (this.slots * 1_000) / this.runtimeMs);
  }

  async stats(): Promise<QueueStats> {
    if (this.isAway) throw new Error("away");
    const waiting = this.added - this.ended;
    const active = Math.min(waiting, this.slots);
    return {
      ready: waiting - active,
      delayed: 0,
      active,
      held: 0,
      dead: 0,
      paused: false,
      oldestReadyMs: undefined,
      totals: { added: this.added, ended: this.ended },
    };
  }
}

let clock: ManualClock;
let plant: Plant;
let pool: Autoscaler | undefined;
let scales: QueueScale[];
let unsubscribe: () => void;

beforeEach(() => {
  clock = createManualClock();
  plant = new Plant(1_000);
  scales = [];
  unsubscribe = queueScale.subscribe((event) => scales.push(event));
});

afterEach(async () => {
  unsubscribe();
  await pool?.close();
  expect(plant.slots).toBe(0);
  expect(clock.pending).toBe(0);
});

function worker(): ScalableWorker {
  plant.slots += 10;
  return {
    stop: async () => {
      plant.slots -= 10;
    },
  };
}

function start(options: Partial<AutoscalerOptions> = {}): Autoscaler {
  pool = createAutoscaler({
    queues: plant,
    start: worker,
    concurrency: 10,
    maxWorkers: 20,
    maxStep: 20,
    clock,
    ...options,
  });
  return pool;
}

async function seconds(count: number, arrivals: () => number = () => 0): Promise<void> {
  for (let second = 0; second < count; second++) {
    plant.add(arrivals());
    await clock.advance(1_000);
    plant.work();
  }
}

test("a burst is cleared in about the time it is to take, then the workers go", async () => {
  const running = start();
  await seconds(20, () => 1); // to learn how long a job takes
  plant.add(6_000);
  await seconds(15);
  expect(running.workers).toBeGreaterThanOrEqual(10);
  await seconds(65);
  expect(plant.ended).toBe(plant.added);
  await seconds(300);
  expect(running.workers).toBe(1);
});

test("a load that trembles is kept up with by the same workers", async () => {
  const random = seededRandom(7);
  const running = start();
  await seconds(300, () => Math.floor(60 * (0.7 + random() * 0.6)));
  scales.length = 0;
  await seconds(600, () => Math.floor(60 * (0.7 + random() * 0.6)));
  expect(scales.length).toBeLessThanOrEqual(2);
  expect(running.workers).toBeGreaterThanOrEqual(6);
  expect(running.workers).toBeLessThanOrEqual(10);
  expect(plant.added - plant.ended).toBeLessThan(60 * 60);
});

test("when the queues cannot be asked, all stays as it is", async () => {
  const running = start();
  await seconds(60, () => 50);
  const before = running.workers;
  plant.isAway = true;
  await seconds(300, () => 50);
  expect(running.workers).toBe(before);
  expect(scales.at(-1)).toMatchObject({ outcome: "unknown", from: before, to: before });
});

test("with an outage from the start, there are the fewest allowed", async () => {
  plant.isAway = true;
  const running = start({ minWorkers: 2 });
  await clock.advance(0);
  expect(running.workers).toBe(2);
});

test("a worker that does not start is tried again", async () => {
  let failures = 2;
  const running = start({
    start: async () => {
      if (failures-- > 0) throw new Error("no");
      return worker();
    },
  });
  await clock.advance(0);
  expect(running.workers).toBe(0);
  await clock.advance(10_000);
  expect(running.workers).toBe(1);
  expect(scales.map(({ outcome }) => outcome)).toEqual(["start-failed", "start-failed", "scaled"]);
});

test("those that are to go finish what they have begun, and close waits for them", async () => {
  const stopped: (() => void)[] = [];
  const running = start({
    minWorkers: 3,
    start: () => ({ stop: () => new Promise<void>((resolve) => void stopped.push(resolve)) }),
  });
  await clock.advance(0);
  let isClosed = false;
  const closing = running.close().then(() => {
    isClosed = true;
  });
  await clock.advance(1_000);
  expect(stopped).toHaveLength(3);
  expect(isClosed).toBe(false);
  for (const finish of stopped) finish();
  await closing;
  expect(running.workers).toBe(0);
});

test("a quarter of the load is a quarter of the workers", async () => {
  const running = start({ share: 0.25, minWorkers: 0, start: () => ({ stop: async () => {} }) });
  plant.slots = 100; // the workers of the others too
  await seconds(120, () => 60);
  plant.slots = 0;
  expect(running.workers).toBe(2);
});

test("what it reads is told", async () => {
  const loads: unknown[] = [];
  const stop = queueLoad.subscribe((event) => loads.push(event));
  start();
  await seconds(6, () => 5);
  stop();
  expect(loads).toHaveLength(2);
  expect(loads[1]).toMatchObject({ queue: "photos", active: 5, arrivalPerSecond: 5 });
});

test("with queues and workers as they are: a backlog brings workers, and its end takes them away", async () => {
  const driver = memoryDriver({ clock });
  const photos = defineQueue<number>({ name: "photos", queue: "media" });
  const queues = createQueues({ driver, queues: { photos }, clock });
  const running = createAutoscaler({
    queues: queues.photos,
    start: () =>
      queues.worker({ photos: () => clock.sleep(1_000) }, { concurrency: 10, prefetch: 0 }),
    concurrency: 10,
    maxWorkers: 10,
    clock,
  });
  pool = running;
  await queues.photos.addMany(Array.from({ length: 3_000 }, (_, at) => at));
  await clock.advance(30_000);
  expect(running.workers).toBeGreaterThanOrEqual(5);
  await clock.advance(60_000);
  expect(await queues.photos.stats()).toMatchObject({ ready: 0, active: 0 });
  await clock.advance(240_000);
  expect(running.workers).toBe(1);
  const closing = running.close().then(() => queues.close());
  await clock.advance(60_000);
  await closing;
});
