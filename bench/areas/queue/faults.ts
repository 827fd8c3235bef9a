/**
 * What becomes of jobs when their worker dies, and when Redis does: how long it takes until they go
 * on, and how many never do. Every library with its defaults.
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Endpoint, eventually, startRedis } from "@headroom/harness";
import type { Better, FiguresVariant } from "../../src/area.ts";
import type { OpenQueue } from "./libraries.ts";

export type FaultyLibrary = "ours" | "BullMQ";
type Lost = { readonly unit: "jobs"; readonly better: Better };

const LOST: Lost = { unit: "jobs", better: "lower" };
const MS = { unit: "ms", better: "lower" } as const;
export const KILL_FIGURES = { "recovery-ms": MS, lost: LOST } as const;
export const RESTART_FIGURES = { "resume-ms": MS, lost: LOST } as const;

const PROGRAM = fileURLToPath(new URL("faulty-worker.ts", import.meta.url));
const NO_POSTGRES = "postgres://there-is-none";
const LOG = { appendonly: "yes", appendfsync: "everysec" };

const JOBS = 400;
/** Three times BullMQ's lease and its two looks for stalled jobs: what is not done by then counts as lost. */
const LONGEST_MS = 180_000;

/** One of two workers is killed in the middle: from then until all jobs that it had are done. */
export function workerKilled(
  library: FaultyLibrary,
  open: OpenQueue,
): FiguresVariant<keyof typeof KILL_FIGURES> {
  return async (resources) => {
    const { primary } = resources.use(await startRedis({ settings: LOG }));
    const server = { redis: primary.direct, postgres: NO_POSTGRES };
    const queue = await open(server, resources);
    await queue.addBulk(0, JOBS);
    const done = new Set<number>();
    const held = new Set<number>();
    const victim = startWorker(library, primary.direct, resources);
    victim.on("message", (told: { started?: number; done?: number }) => {
      if (told.started !== undefined) held.add(told.started);
      if (told.done !== undefined) {
        held.delete(told.done);
        done.add(told.done);
      }
    });
    await eventually("the victim has done some", () => done.size >= 40);
    victim.kill("SIGKILL");
    const killedMs = performance.now();
    await once(victim, "exit");
    let lastMs = killedMs;
    const heir = startWorker(library, primary.direct, resources);
    heir.on("message", (told: { done?: number }) => {
      if (told.done === undefined) return;
      if (held.has(told.done)) lastMs = performance.now();
      done.add(told.done);
    });
    while (done.size < JOBS && performance.now() - killedMs < LONGEST_MS) await sleep(20);
    const lost = JOBS - done.size;
    return { "recovery-ms": (lost > 0 ? performance.now() : lastMs) - killedMs, lost };
  };
}

function startWorker(
  library: FaultyLibrary,
  { host, port }: Endpoint,
  resources: AsyncDisposableStack,
): ChildProcess {
  const worker = fork(PROGRAM, [library, host, String(port)]);
  resources.defer(() => void worker.kill("SIGKILL"));
  return worker;
}

const ADD_EVERY_MS = 5;
const BEFORE_MS = 1_000;
const DOWN_MS = 3_000;
const AFTER_MS = 12_000;

/** Redis is killed and started again with its log, while jobs are added and worked on. */
export function redisRestarted(open: OpenQueue): FiguresVariant<keyof typeof RESTART_FIGURES> {
  return async (resources) => {
    const { primary } = resources.use(await startRedis({ settings: LOG }));
    const queue = await open({ redis: primary.direct, postgres: NO_POSTGRES }, resources);
    const acknowledged = new Set<number>();
    const handled = new Set<number>();
    let upMs = Number.POSITIVE_INFINITY;
    let resumedMs: number | undefined;
    const stop = await queue.work(10, (index) => {
      handled.add(index);
      if (performance.now() >= upMs) resumedMs ??= performance.now();
    });
    let next = 0;
    let isOver = false;
    const adding = (async () => {
      while (!isOver) {
        const index = next++;
        queue.add(index).then(
          () => acknowledged.add(index),
          () => {},
        );
        await sleep(ADD_EVERY_MS);
      }
    })();
    await sleep(BEFORE_MS);
    await primary.kill9();
    await sleep(DOWN_MS);
    await primary.start();
    upMs = performance.now();
    const patience = performance.now() + AFTER_MS;
    while (resumedMs === undefined && performance.now() < patience) await sleep(5);
    isOver = true;
    await adding;
    const isDone = (): boolean => [...acknowledged].every((index) => handled.has(index));
    while (!isDone() && performance.now() < patience + 2 * AFTER_MS) await sleep(20);
    await stop();
    const lost = [...acknowledged].filter((index) => !handled.has(index)).length;
    return { "resume-ms": (resumedMs ?? performance.now()) - upMs, lost };
  };
}
