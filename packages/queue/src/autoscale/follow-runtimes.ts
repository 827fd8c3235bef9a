/**
 * How long jobs take, as the workers of this process tell it. One of a batch takes its part of the
 * batch's time, because the batch has one slot.
 */

import { queueProcess } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";

/**
 * Calls `took` at the end of each attempt at a job of this process, with its physical queue.
 * @returns ends that.
 */
export function followRuntimes(
  clock: Clock,
  took: (queue: string, runtimeMs: number) => void,
): () => void {
  const begun = new WeakMap<object, number>();
  return queueProcess.subscribe({
    start: (context) => void begun.set(context, clock.monotonicNow()),
    asyncEnd(context) {
      const atMs = begun.get(context);
      if (atMs !== undefined) took(context.queue, (clock.monotonicNow() - atMs) / context.jobs);
    },
  });
}
