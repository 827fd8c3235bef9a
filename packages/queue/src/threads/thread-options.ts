/** What threads are given, checked when it is given. */

import { availableParallelism } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import {
  requireCount,
  requireKnownOptions,
  requireNonNegative,
  requireText,
} from "@headroom/core/options";

export interface ThreadOptions {
  /**
   * Threads at a time; more jobs than that wait for a free one. A thread is a core's work: more of
   * them than cores make nothing faster.
   * @default the number of cores
   */
  readonly maxThreads?: number | undefined;
  /**
   * Threads that are kept although there is nothing to do.
   * @default 0
   */
  readonly minThreads?: number | undefined;
  /**
   * How long one that is not needed is kept.
   * @default 30_000
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * What the module exports to be called.
   * @default "default"
   */
  readonly exportName?: string | undefined;
  /** As of `node:worker_threads`: a thread that needs more memory is ended, and the attempt has failed. */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** Of Node, for the threads. @default those of this process */
  readonly execArgv?: readonly string[] | undefined;
}

export interface ThreadRules {
  readonly module: URL;
  readonly exportName: string;
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly idleTimeoutMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly execArgv: readonly string[] | undefined;
}

const KNOWN = [
  "maxThreads",
  "minThreads",
  "idleTimeoutMs",
  "exportName",
  "resourceLimits",
  "execArgv",
];

/** @throws TypeError or RangeError naming the option that is wrong. */
export function threadRules(module: URL, options: ThreadOptions): ThreadRules {
  if (!(module instanceof URL)) {
    throw new TypeError('module must be a URL: new URL("./crop.js", import.meta.url)');
  }
  requireKnownOptions("threadHandler", options, KNOWN);
  const minThreads = requireCount("minThreads", options.minThreads ?? 0, { min: 0 });
  const most = Math.max(minThreads, availableParallelism());
  const maxThreads = requireCount("maxThreads", options.maxThreads ?? most);
  if (maxThreads < minThreads) {
    throw new RangeError(
      `maxThreads must be at least minThreads (${minThreads}), got ${maxThreads}`,
    );
  }
  return {
    module,
    exportName: requireText("exportName", options.exportName ?? "default"),
    minThreads,
    maxThreads,
    idleTimeoutMs: requireNonNegative("idleTimeoutMs", options.idleTimeoutMs ?? 30_000),
    resourceLimits: options.resourceLimits,
    execArgv: options.execArgv,
  };
}
