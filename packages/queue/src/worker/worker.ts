/**
 * A worker: one loop for each physical queue that it has handlers for, stopped together.
 *
 * Stopping is in steps, each with its own time:
 *
 * 1. Nothing is claimed any more; jobs that wait in the worker go back at once.
 * 2. Handlers may end by themselves: `softMs`.
 * 3. Their signals abort with `QUEUE_STOPPING`, and they may end by that: `hardMs`. What throws then
 *    has not failed: the job goes back with its attempt.
 * 4. Those that still run are given back too. They are on their own; the process is about to end.
 * 5. What is not told yet is told; if the driver fails all the time, the leases run out instead.
 */

import type { Clock } from "@headroom/core/clock";
import { requireKnownOptions, requireNonNegative } from "@headroom/core/options";
import type { WorkerHealth } from "./health.ts";
import { type LoopParts, QueueLoop } from "./queue-loop.ts";
import type { WorkerCounts } from "./reporter.ts";

export interface StopOptions {
  /**
   * How long handlers may go on.
   * @default 20_000
   */
  readonly softMs?: number | undefined;
  /**
   * How long they may take to end after their signal has aborted.
   * @default 5_000
   */
  readonly hardMs?: number | undefined;
}

/** Made by `queues.worker`. */
export interface Worker extends AsyncDisposable {
  /** Stops it, in `softMs + hardMs` at most and a little for the driver. The first call counts. */
  stop(options?: StopOptions): Promise<void>;
  health(): WorkerHealth;
  /** Since it began, of all its queues. */
  stats(): WorkerCounts;
}

/** For the last settlements, when the driver fails. */
const FLUSH_MS = 5_000;

export class QueueWorker implements Worker {
  readonly #loops: readonly QueueLoop[];
  readonly #clock: Clock;
  readonly #stopped: (worker: QueueWorker) => void;
  #stopping: Promise<void> | undefined;

  constructor(loops: readonly LoopParts[], clock: Clock, stopped: (worker: QueueWorker) => void) {
    this.#clock = clock;
    this.#stopped = stopped;
    this.#loops = loops.map((parts) => new QueueLoop(parts));
    for (const loop of this.#loops) loop.start();
  }

  async stop(options: StopOptions = {}): Promise<void> {
    requireKnownOptions("stop", options, ["softMs", "hardMs"]);
    const softMs = requireNonNegative("softMs", options.softMs ?? 20_000);
    const hardMs = requireNonNegative("hardMs", options.hardMs ?? 5_000);
    this.#stopping ??= this.#stop(softMs, hardMs);
    return this.#stopping;
  }

  health(): WorkerHealth {
    const all = this.#loops.map((loop) => loop.health());
    return {
      status: all.every(({ status }) => status === "ok") ? "ok" : "stale",
      lastClaimMs: Math.min(...all.map(({ lastClaimMs }) => lastClaimMs)),
    };
  }

  stats(): WorkerCounts {
    const sum: Record<string, number> = {};
    for (const { counts } of this.#loops) {
      for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
    }
    return sum as unknown as WorkerCounts;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(softMs: number, hardMs: number): Promise<void> {
    const each = (step: (loop: QueueLoop) => Promise<void>): Promise<unknown> =>
      Promise.all(this.#loops.map(step));
    for (const loop of this.#loops) loop.stopClaiming();
    if (
      !(await this.#within(
        softMs,
        each((loop) => loop.drained()),
      ))
    ) {
      for (const loop of this.#loops) loop.abortRunning();
      if (
        !(await this.#within(
          hardMs,
          each((loop) => loop.drained()),
        ))
      ) {
        for (const loop of this.#loops) loop.releaseRunning();
      }
    }
    await this.#within(
      FLUSH_MS,
      each((loop) => loop.settledAll()),
    );
    await each((loop) => loop.close());
    this.#stopped(this);
  }

  /** Whether it was done in time. */
  async #within(ms: number, work: Promise<unknown>): Promise<boolean> {
    let timer: Disposable | undefined;
    const late = new Promise<false>((resolve) => {
      timer = this.#clock.timer(() => resolve(false), ms);
    });
    const inTime = await Promise.race([work.then(() => true), late]);
    timer?.[Symbol.dispose]();
    return inTime;
  }
}
