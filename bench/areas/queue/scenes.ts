/** What is measured of a queue: how fast it takes jobs, works through a backlog, and starts one. */

import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "@headroom/harness";
import type { FiguresVariant, FigureVariant } from "../../src/area.ts";
import type { Pace } from "../../src/pace.ts";
import type { OpenedQueue, OpenQueue, QueueServer } from "./libraries.ts";

export const JOBS_PER_SECOND = { unit: "jobs/s", better: "higher" } as const;

const BULK = 1_000;
/** A library that is slower than this many jobs allow is stopped after this long. */
const LONGEST_MS = 5_000;
const IDLE_JOBS = 200;
const IDLE_GAP_MS = 15;
const WARM_UP_JOBS = 2_000;

/** A server of the case, made ready for a turn: nothing of the turn before is there. */
export type Fresh = (resources: AsyncDisposableStack) => Promise<QueueServer>;

type Rate = FigureVariant<Fresh>;

/** `lanes` callers, each adding one job after the other. */
export function adds(open: OpenQueue, lanes: number): Rate {
  return async (resources, pace, fresh) => {
    const queue = await open(await fresh(resources), resources);
    let next = 0;
    const run = async (until: () => boolean): Promise<void> => {
      const lane = async (): Promise<void> => {
        while (!until()) await queue.add(next++);
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    };
    await run(() => next >= lanes * 2);
    const from = next;
    const startMs = performance.now();
    await run(() => performance.now() - startMs >= pace.turnMs);
    return perSecond(next - from, performance.now() - startMs);
  };
}

export function bulkAdds(open: OpenQueue): Rate {
  return async (resources, pace, fresh) => {
    const queue = await open(await fresh(resources), resources);
    await queue.addBulk(0, BULK);
    let added = 0;
    const startMs = performance.now();
    while (performance.now() - startMs < pace.turnMs) {
      await queue.addBulk(BULK + added, BULK);
      added += BULK;
    }
    return perSecond(added, performance.now() - startMs);
  };
}

/** Works through a backlog, each job once, until nothing is left. */
export function processing(open: OpenQueue, concurrency: number): Rate {
  return async (resources, pace, fresh) => {
    const queue = await open(await fresh(resources), resources);
    const jobs = backlogOf(pace);
    // What a worker meets first compiles it; the jobs that count come after.
    await fill(queue, 0, WARM_UP_JOBS);
    const warm = await worked(queue, concurrency, WARM_UP_JOBS);
    await fill(queue, WARM_UP_JOBS, jobs);
    const { count, ms } = await worked(queue, concurrency, jobs);
    if (count === jobs && warm.count === WARM_UP_JOBS) await nothingIsLeft(queue);
    return perSecond(count, ms);
  };
}

/** From `add` to the handler's start, one job at a time, to a worker that waits. */
export function idleLatency(open: OpenQueue): FiguresVariant<"p50" | "p99", Fresh> {
  return async (resources, _pace, fresh) => {
    const queue = await open(await fresh(resources), resources);
    const starts = new Map<number, (ms: number) => void>();
    const stop = await queue.work(1, (index) => starts.get(index)?.(performance.now()));
    const latencies: number[] = [];
    for (let index = 0; index < IDLE_JOBS + 20; index++) {
      await sleep(IDLE_GAP_MS);
      const startMs = performance.now();
      const started = new Promise<number>((resolve) => starts.set(index, resolve));
      await Promise.all([queue.add(index), started]);
      if (index >= 20) latencies.push(((await started) - startMs) * 1_000);
    }
    await stop();
    return {
      p50: percentile(latencies, 0.5) ?? Number.NaN,
      p99: percentile(latencies, 0.99) ?? Number.NaN,
    };
  };
}

function backlogOf({ rounds }: Pace): number {
  return rounds > 5 ? 20_000 : 5_000;
}

async function fill(queue: OpenedQueue, from: number, count: number): Promise<void> {
  for (let at = 0; at < count; at += BULK) {
    await queue.addBulk(from + at, Math.min(BULK, count - at));
  }
}

/** From the first job to the last, or to the end of patience. */
async function worked(
  queue: OpenedQueue,
  concurrency: number,
  jobs: number,
): Promise<{ readonly count: number; readonly ms: number }> {
  const seen = new Set<number>();
  const patience = new AbortController();
  let firstMs = 0;
  let lastMs = 0;
  let twice: number | undefined;
  const stop = await queue.work(concurrency, (index) => {
    lastMs = performance.now();
    if (seen.size === 0) firstMs = lastMs;
    if (seen.has(index)) twice = index;
    seen.add(index);
    if (seen.size === jobs) patience.abort();
  });
  await sleep(LONGEST_MS, undefined, { signal: patience.signal }).catch(() => {});
  await stop();
  if (twice !== undefined) throw new Error(`job ${twice} came twice`);
  return { count: seen.size, ms: lastMs - firstMs };
}

async function nothingIsLeft(queue: OpenedQueue): Promise<void> {
  const left = await queue.left();
  if (left > 0) throw new Error(`${left} jobs are left`);
}

function perSecond(count: number, ms: number): number {
  return (count / ms) * 1_000;
}
