/** What the endpoint for an autoscaler outside is given, checked when it is given. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireKnownOptions,
  requireMethods,
  requireNonNegative,
  requirePositive,
} from "@headroom/core/options";
import type { LinkedQueues } from "../flow/families.ts";
import type { ScalableQueue } from "./autoscaler-options.ts";
import type { ScaleTarget } from "./desired-workers.ts";

export interface KedaOptions {
  /** Jobs at a time in one worker, that is in one of what the autoscaler starts. */
  readonly concurrency: number;
  /**
   * What waits is to be done within so long.
   * @default 60_000
   */
  readonly targetClearMs?: number | undefined;
  /**
   * How long one job takes, when that is known better than it can be reckoned from the queue's counts.
   */
  readonly runtimeMs?: number | undefined;
  /**
   * However often it is asked, the queues are asked no more often than this.
   * @default 1_000
   */
  readonly maxAgeMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** By the names that they are to have: what `createQueues` gives, or `{ photos: queues.photos }`. */
export type ReportedQueues = LinkedQueues | Readonly<Record<string, ScalableQueue>>;

export interface KedaRules {
  readonly queues: ReadonlyMap<string, ScalableQueue>;
  readonly target: ScaleTarget;
  readonly runtimeMs: number | undefined;
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

const KNOWN = ["concurrency", "targetClearMs", "runtimeMs", "maxAgeMs", "clock"];

/** @throws TypeError or RangeError naming the option that is wrong. */
export function kedaRules(queues: ReportedQueues, options: KedaOptions): KedaRules {
  requireKnownOptions("kedaHandler", options, KNOWN);
  const named = Object.entries<ScalableQueue>((queues ?? {}) as Record<string, ScalableQueue>);
  if (named.length === 0) throw new TypeError("queues must name at least one queue");
  for (const [name, queue] of named) requireMethods(`queues.${name}`, queue, ["stats"]);
  const { runtimeMs } = options;
  return {
    queues: new Map(named),
    target: {
      concurrency: requireCount("concurrency", options.concurrency),
      targetClearMs: requirePositive("targetClearMs", options.targetClearMs ?? 60_000),
    },
    runtimeMs: runtimeMs === undefined ? undefined : requirePositive("runtimeMs", runtimeMs),
    maxAgeMs: requireNonNegative("maxAgeMs", options.maxAgeMs ?? 1_000),
    clock: requireClock("clock", options.clock ?? systemClock),
  };
}
