/** The options of a worker, checked and complete. */

import { requireCount, requireKnownOptions } from "@headroom/core/options";
import type { Rate } from "../driver.ts";
import { rateRules } from "../queue-options.ts";

export interface WorkerOptions {
  /**
   * Jobs that run at a time, of each physical queue; batches count as one.
   * @default 10
   */
  readonly concurrency?: number | undefined;
  /**
   * Jobs that are held besides, so that there is one when another ends.
   * @default as many as end in a round trip, as measured
   */
  readonly prefetch?: number | undefined;
  /** Jobs that this worker begins within a time, of each physical queue. */
  readonly rate?: Rate | undefined;
}

export interface WorkerRules {
  readonly concurrency: number;
  readonly prefetch: number | undefined;
  readonly rate: Rate | undefined;
}

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function workerRules(options: WorkerOptions): WorkerRules {
  requireKnownOptions("worker", options, ["concurrency", "prefetch", "rate"]);
  const { concurrency = 10, prefetch, rate } = options;
  return {
    concurrency: requireCount("concurrency", concurrency),
    prefetch: prefetch === undefined ? undefined : requireCount("prefetch", prefetch, { min: 0 }),
    rate: rateRules("rate", rate),
  };
}
