/** What an autoscaler is given, checked when it is given. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireNonNegative,
  requirePositive,
  requireRatio,
  requireText,
} from "@headroom/core/options";
import type { QueueStats } from "../driver.ts";
import type { ScaleLimits } from "./desired-workers.ts";

/** A queue as `createQueues` gives it. */
export interface ScalableQueue {
  readonly name: string;
  /** The physical one, which several may share. */
  readonly queue?: string | undefined;
  stats(): Promise<QueueStats>;
}

/** A worker, or whatever else works on the queues and can be asked to finish what it has begun. */
export interface ScalableWorker {
  stop(): Promise<unknown>;
}

export interface AutoscalerOptions {
  /** The queues that each worker works on. */
  readonly queues: ScalableQueue | readonly ScalableQueue[];
  /** Starts one more worker: `() => queues.worker(handlers, { concurrency: 50 })`. */
  readonly start: () => ScalableWorker | Promise<ScalableWorker>;
  /** Jobs at a time in one worker: the same as is given to it. */
  readonly concurrency: number;
  readonly maxWorkers: number;
  /** @default 1 */
  readonly minWorkers?: number | undefined;
  /**
   * What waits is to be done within so long.
   * @default 60_000
   */
  readonly targetClearMs?: number | undefined;
  /**
   * How often it is decided.
   * @default 5_000
   */
  readonly intervalMs?: number | undefined;
  /**
   * At most so many workers more or fewer at a time.
   * @default a quarter of `maxWorkers`
   */
  readonly maxStep?: number | undefined;
  /**
   * Fewer only if so much more load fits in fewer.
   * @default 0.2
   */
  readonly hysteresis?: number | undefined;
  /**
   * Fewer only if fewer were enough for so long.
   * @default 60_000
   */
  readonly downAfterMs?: number | undefined;
  /**
   * Which part of the load is this pool's: a quarter, when four processes have one each.
   * @default 1
   */
  readonly share?: number | undefined;
  /**
   * For telemetry.
   * @default "workers"
   */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

export interface AutoscalerRules {
  readonly queues: readonly ScalableQueue[];
  readonly start: () => ScalableWorker | Promise<ScalableWorker>;
  readonly limits: ScaleLimits;
  readonly intervalMs: number;
  readonly downAfterMs: number;
  readonly share: number;
  readonly name: string;
  readonly clock: Clock;
}

const KNOWN = [
  "queues",
  "start",
  "concurrency",
  "maxWorkers",
  "minWorkers",
  "targetClearMs",
  "intervalMs",
  "maxStep",
  "hysteresis",
  "downAfterMs",
  "share",
  "name",
  "clock",
];

/** @throws TypeError or RangeError naming the option that is wrong. */
export function autoscalerRules(options: AutoscalerOptions): AutoscalerRules {
  requireKnownOptions("createAutoscaler", options, KNOWN);
  const minWorkers = requireCount("minWorkers", options.minWorkers ?? 1, { min: 0 });
  const maxWorkers = requireCount("maxWorkers", options.maxWorkers);
  if (maxWorkers < minWorkers) {
    throw new RangeError(
      `maxWorkers must be at least minWorkers (${minWorkers}), got ${maxWorkers}`,
    );
  }
  const maxStep = requireCount("maxStep", options.maxStep ?? Math.ceil(maxWorkers / 4));
  const share = requireRatio("share", options.share ?? 1);
  return {
    queues: scalableQueues(options.queues),
    start: requireFunction("start", options.start),
    limits: {
      minWorkers,
      maxWorkers,
      maxStep,
      concurrency: requireCount("concurrency", options.concurrency),
      targetClearMs: requirePositive("targetClearMs", options.targetClearMs ?? 60_000),
      hysteresis: requireRatio("hysteresis", options.hysteresis ?? 0.2),
    },
    intervalMs: requirePositive("intervalMs", options.intervalMs ?? 5_000),
    downAfterMs: requireNonNegative("downAfterMs", options.downAfterMs ?? 60_000),
    share: requirePositive("share", share),
    name: requireText("name", options.name ?? "workers"),
    clock: requireClock("clock", options.clock ?? systemClock),
  };
}

/** Each queue once: two definitions may share one, and its backlog is not twice as long for that. */
export function scalableQueues(
  queues: ScalableQueue | readonly ScalableQueue[],
): readonly ScalableQueue[] {
  const all = Array.isArray(queues) ? (queues as readonly ScalableQueue[]) : [queues];
  const byName = new Map<string, ScalableQueue>();
  for (const queue of all as readonly ScalableQueue[]) {
    const { name, queue: physical = name } = requireMethods("queues", queue, ["stats"]);
    byName.set(physical, queue);
  }
  if (byName.size === 0) throw new TypeError("queues must name at least one queue");
  return [...byName.values()];
}
