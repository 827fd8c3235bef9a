/**
 * A fault under load: requests come by the clock, and after a third of the time one backend of four
 * fails, in one of the ways in which backends do.
 *
 * Every client gets fresh backends, and half a second of the same load before anything counts, so
 * that it is compiled and connected.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Better, FiguresVariant } from "../../src/area.ts";
import { openLoop, summarizeLoop } from "../../src/open-loop.ts";
import { Backends } from "./backends.ts";
import type { OpenClient } from "./clients.ts";

const REQUESTS_PER_SECOND = 400;
const WARM_UP_MS = 500;

export interface Fault {
  /** When it strikes, as a share of the time. */
  readonly at: number;
  strike(backends: Backends): Promise<void>;
}

export const FAULTS = {
  "fast-500": { at: 1 / 3, strike: ({ victim }) => victim.behave({ status: 500 }) },
  kill: { at: 1 / 3, strike: (backends) => backends.kill9(backends.victim) },
  hang: { at: 1 / 3, strike: ({ victim }) => victim.pause() },
  "slow+200ms": { at: 1 / 3, strike: ({ victim }) => victim.behave({ delayMs: 205 }) },
  "all-503": {
    at: 0,
    strike: async ({ nodes }) => {
      await Promise.all(nodes.map((node) => node.behave({ status: 503 })));
    },
  },
} as const satisfies Record<string, Fault>;

type FaultFigure = "failed" | "failed-requests" | "p99" | "upstream-requests-per-request";

export const FAULT_FIGURES: Readonly<Record<FaultFigure, { unit: string; better: Better }>> = {
  failed: { unit: "%", better: "lower" },
  "failed-requests": { unit: "requests", better: "lower" },
  p99: { unit: "ms", better: "lower" },
  "upstream-requests-per-request": { unit: "requests", better: "lower" },
};

/** One client under one fault. */
export function underFault(fault: Fault, open: OpenClient): FiguresVariant<FaultFigure> {
  return async (resources, { openLoopMs }) => {
    const backends = resources.use(await Backends.start(4));
    const client = open(backends.origins, resources);
    const load = { requestsPerSecond: REQUESTS_PER_SECOND };
    await openLoop(client, { ...load, durationMs: WARM_UP_MS });
    const requestsBefore = await backends.requests();
    if (fault.at === 0) await fault.strike(backends);
    const [requests] = await Promise.all([
      openLoop(client, { ...load, durationMs: openLoopMs }),
      fault.at > 0 && sleep(openLoopMs * fault.at).then(() => fault.strike(backends)),
    ]);
    const upstreamRequests = (await backends.requests()) - requestsBefore;
    const { failed, failedPercent, p99Ms } = summarizeLoop(requests);
    return {
      failed: failedPercent,
      "failed-requests": failed,
      p99: p99Ms,
      "upstream-requests-per-request": upstreamRequests / requests.length,
    };
  };
}
