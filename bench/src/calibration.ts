import type { Pace } from "./pace.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** Stops the doubling when a clock stands still or an operation costs nothing. */
const MOST_OPERATIONS = 2 ** 30;

/**
 * Warms a variant up and finds how many operations take about one turn.
 *
 * The count doubles until the warm-up time is spent; the last batch, run when the code was compiled,
 * tells the pace. By wall time, also where CPU time is measured: a turn must end.
 *
 * @param run runs that many operations.
 * @param least of a turn, such as the operations in flight.
 */
export async function calibrate(
  run: (operations: number) => Promise<unknown>,
  pace: Pace,
  stopwatch: Pick<Stopwatch, "wallMs">,
  least = 1,
): Promise<number> {
  const startMs = stopwatch.wallMs();
  for (let operations = least; ; operations *= 2) {
    const batchStartMs = stopwatch.wallMs();
    await run(operations);
    const nowMs = stopwatch.wallMs();
    if (operations >= MOST_OPERATIONS) return MOST_OPERATIONS;
    if (nowMs - startMs >= pace.warmUpMs && nowMs > batchStartMs) {
      const operationMs = (nowMs - batchStartMs) / operations;
      return Math.min(MOST_OPERATIONS, Math.max(least, Math.round(pace.turnMs / operationMs)));
    }
  }
}
