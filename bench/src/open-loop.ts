/**
 * Load as users make it: a request is sent when the clock says so, whatever became of the ones before.
 *
 * A closed loop (`load.ts`) waits for an answer before it asks again. While a server hangs it asks
 * less, so the hang is one slow request of many: "coordinated omission", which hides just what a
 * fault is there to show. Here request `i` is *meant* for `i / rate`, and its latency counts from
 * then. One that leaves late, because this process was busy, was late for its user too.
 *
 * After a pause the requests that are due leave together, as a crowd that was held up does.
 *
 * Source: Gil Tene, "How NOT to Measure Latency"; the `-R` of wrk2.
 */

import { type Clock, systemClock } from "../../packages/core/src/clock.ts";
import type { AsyncOperation } from "./area.ts";
import { percentile } from "./statistics.ts";

export interface OpenLoopOptions {
  readonly requestsPerSecond: number;
  /** How long requests are sent, in milliseconds. */
  readonly durationMs: number;
  /** A request without an answer so long after the last one was sent has failed. @default 30_000 */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

/** One request, in milliseconds since the loop began. */
export interface LoopRequest {
  /** When it was to be sent. */
  readonly meantMs: number;
  /** From then until its answer or failure; until the loop gave up when there was neither. */
  readonly latencyMs: number;
  /** Its operation rejected, or never ended. */
  readonly hasFailed: boolean;
}

/** Sends at a steady rate; resolves with all requests, in their order, when the last has ended. */
export async function openLoop(
  operation: AsyncOperation,
  options: OpenLoopOptions,
): Promise<LoopRequest[]> {
  const { requestsPerSecond, durationMs, patienceMs = 30_000, clock = systemClock } = options;
  const startMs = clock.monotonicNow();
  const sinceStartMs = (): number => clock.monotonicNow() - startMs;
  const count = Math.floor((requestsPerSecond * durationMs) / 1000);
  const ended: LoopRequest[] = [];
  const exchanges: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const meantMs = (index * 1000) / requestsPerSecond;
    const earlyMs = meantMs - sinceStartMs();
    if (earlyMs > 0) await clock.sleep(earlyMs);
    const exchange = failed(operation, index).then((hasFailed) => {
      ended[index] = { meantMs, latencyMs: sinceStartMs() - meantMs, hasFailed };
    });
    exchanges.push(exchange);
  }
  await Promise.race([Promise.all(exchanges), clock.sleep(patienceMs)]);
  return Array.from({ length: count }, (_, index) => {
    const meantMs = (index * 1000) / requestsPerSecond;
    return ended[index] ?? { meantMs, latencyMs: sinceStartMs() - meantMs, hasFailed: true };
  });
}

async function failed(operation: AsyncOperation, index: number): Promise<boolean> {
  try {
    await operation(index);
    return false;
  } catch {
    return true;
  }
}

export interface LoopSummary {
  readonly failed: number;
  readonly failedPercent: number;
  /** Of all requests, the failed ones included: a user waits for an error too. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function summarizeLoop(requests: readonly LoopRequest[]): LoopSummary {
  const failed = requests.filter(({ hasFailed }) => hasFailed).length;
  const latenciesMs = requests.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  return {
    failed,
    failedPercent: (100 * failed) / requests.length,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
  };
}
