/**
 * Replicas that die or hang under reads that come by the clock. A read that has no answer when the
 * loop has waited {@link PATIENCE_MS} has failed: for its user it hangs for ever.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresNode } from "@headroom/harness";
import type { Better, FiguresVariant } from "../../src/area.ts";
import { openLoop, summarizeLoop } from "../../src/open-loop.ts";
import { ROWS, startStage } from "./cluster.ts";
import type { OpenDatabase } from "./libraries.ts";

const READS_PER_SECOND = 200;
const WARM_UP_MS = 1000;
const PATIENCE_MS = 3000;
/** When it strikes, as a share of the time. */
const AT = 1 / 3;

export type Fault = (replicas: readonly PostgresNode[]) => Promise<unknown>;

export const FAULTS = {
  "kill-replica": ([victim]) => strike(victim, (node) => node.kill9()),
  "pause-replica": ([victim]) => strike(victim, (node) => node.pause()),
  "both-replicas": (replicas) => Promise.all(replicas.map((node) => node.kill9())),
} as const satisfies Readonly<Record<string, Fault>>;

type FaultFigure = "failed-reads" | "max-ms";

export const FAULT_FIGURES: Readonly<Record<FaultFigure, { unit: string; better: Better }>> = {
  "failed-reads": { unit: "reads", better: "lower" },
  "max-ms": { unit: "ms", better: "lower" },
};

export function underFault(fault: Fault, open: OpenDatabase): FiguresVariant<FaultFigure> {
  return async (resources, { openLoopMs }) => {
    const { cluster, servers } = await startStage(resources);
    const database = await open(servers, resources);
    const read = (index: number) => database.read(1 + (index % ROWS));
    const load = { requestsPerSecond: READS_PER_SECOND, patienceMs: PATIENCE_MS };
    await openLoop(read, { ...load, durationMs: WARM_UP_MS });
    // Whoever takes its leave of a server when it is closed finds it awake.
    resources.defer(async () => void (await Promise.all(cluster.replicas.map((r) => r.resume()))));
    const [requests] = await Promise.all([
      openLoop(read, { ...load, durationMs: openLoopMs }),
      sleep(openLoopMs * AT).then(() => fault(cluster.replicas)),
    ]);
    return {
      "failed-reads": summarizeLoop(requests).failed,
      "max-ms": Math.max(...requests.map(({ latencyMs }) => latencyMs)),
    };
  };
}

async function strike(
  victim: PostgresNode | undefined,
  what: (node: PostgresNode) => Promise<void>,
): Promise<void> {
  if (victim === undefined) throw new Error("there is no replica");
  await what(victim);
}
