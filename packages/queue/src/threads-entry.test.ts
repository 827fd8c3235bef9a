/** With real threads, and so in real time. */

import { afterEach, expect, test, vi } from "vitest";
import { defineQueue } from "./definition.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { createQueues } from "./queues.ts";
import { type ThreadHandler, threadHandler } from "./threads-entry.ts";

vi.setConfig({ testTimeout: 60_000 });

/** Hangs, or blocks its thread for a second, or gives back what it got. */
const WORK = new URL(
  `data:text/javascript,${encodeURIComponent(`
    export default async function work({ data, attempt }) {
      if (data === "hang") for (;;);
      const untilMs = performance.now() + (data === "block" ? 1_200 : 0);
      while (performance.now() < untilMs);
      return { data, attempt };
    }
  `)}`,
);

const OPTIONS = {
  leaseMs: 300,
  retry: { attempts: 1 },
  results: { keepMs: 60_000 },
};

let threads: ThreadHandler<string> | undefined;

afterEach(async () => {
  await threads?.close();
});

function start(): ThreadHandler<string> {
  threads = threadHandler<string>(WORK, { maxThreads: 1 });
  return threads;
}

const photos = defineQueue<string, unknown>({ name: "photos", ...OPTIONS });

test("a job that computes for longer than its lease is done once", async () => {
  await using queues = createQueues({ driver: memoryDriver(), queues: { photos } });
  const worker = queues.worker({ photos: start() }, { concurrency: 1 });
  expect(await queues.photos.addAndWait("block")).toMatchObject({ attempt: 1 });
  expect(worker.stats()).toMatchObject({ done: 1, leaseLost: 0, lateResults: 0 });
});

test("one that hangs is given up at its timeout, and the next one runs", async () => {
  const short = defineQueue<string, unknown>({ name: "short", ...OPTIONS, timeoutMs: 500 });
  await using queues = createQueues({ driver: memoryDriver(), queues: { short } });
  queues.worker({ short: start() }, { concurrency: 1 });
  const hanging = queues.short.addAndWait("hang");
  await expect(hanging).rejects.toMatchObject({ code: "QUEUE_JOB_DEAD" });
  const { jobs } = await queues.short.dead.list();
  expect(jobs).toMatchObject([{ reason: "timeout" }]);
  expect(await queues.short.addAndWait("a")).toMatchObject({ data: "a" });
});

test("a worker that stops ends the thread, and the job keeps its attempt", async () => {
  const driver = memoryDriver();
  await using queues = createQueues({ driver, queues: { photos } });
  const handle = start();
  const worker = queues.worker({ photos: handle }, { concurrency: 1 });
  await queues.photos.add("hang");
  await vi.waitUntil(() => driver.jobs("photos")[0]?.state === "active");
  await worker.stop({ softMs: 50, hardMs: 5_000 });
  expect(driver.jobs("photos")).toMatchObject([{ state: "ready", attempts: 0 }]);
});
