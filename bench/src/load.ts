import type { AsyncOperation } from "./area.ts";
import { percentile } from "./statistics.ts";
import type { Stopwatch } from "./stopwatch.ts";

export interface Driven {
  readonly wallMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Runs a fixed number of operations, so many in flight, and times each one.
 *
 * A closed loop: the next operation starts when one ends, so a server that hangs is asked less, and
 * the percentiles are those of the operations that ran. They compare two variants under the same
 * load; they do not foretell the tail under traffic that does not wait.
 *
 * @throws what an operation throws, when those in flight have ended.
 */
export async function drive(
  operation: AsyncOperation,
  operations: number,
  concurrency: number,
  stopwatch: Pick<Stopwatch, "wallMs">,
): Promise<Driven> {
  const latenciesMs = new Float64Array(operations);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < operations) {
      const index = next;
      next += 1;
      const startMs = stopwatch.wallMs();
      await operation(index);
      latenciesMs[index] = stopwatch.wallMs() - startMs;
    }
  };
  const startMs = stopwatch.wallMs();
  const lanes = Array.from({ length: Math.min(concurrency, operations) }, lane);
  const ended = await Promise.allSettled(lanes);
  const wallMs = stopwatch.wallMs() - startMs;
  for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
  latenciesMs.sort();
  return { wallMs, p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) };
}
