/**
 * Tells a parent what its child has become, before the child's own queue is told.
 *
 * The order is what makes it safe without a transaction over two queues: whoever dies in between has
 * left the child unsettled, so it comes again and is reported again, which changes nothing. A child
 * that is gone has therefore been reported.
 *
 * Where a child was found dead or was cancelled by somebody who did not live to report it, the other
 * order was inevitable; `held-parents.ts` makes that good.
 */

import type { ClaimedJob, ParentRef, Verdict } from "../driver.ts";
import type { ChildOutcome } from "../driver-powers.ts";
import { QueueError } from "../errors.ts";
import { memberRef, type QueuePlace } from "./queue-directory.ts";

/** What a parent is told of this verdict; undefined: the child has not ended by it. */
export function outcomeOfVerdict(verdict: Verdict): ChildOutcome | undefined {
  if (verdict.kind === "done") return { kind: "done", result: verdict.result };
  return verdict.kind === "dead" ? { kind: "dead", reason: verdict.reason } : undefined;
}

export interface EndedChild {
  readonly id: string;
  readonly parent: ParentRef | undefined;
}

/**
 * Tells the parent, and its own if it has died with the child, and so on.
 * @param place the child's queue.
 * @throws QueueError `QUEUE_UNAVAILABLE`; `QUEUE_UNSUPPORTED` when the parent's server is not known here.
 */
export async function reportEnd(
  place: QueuePlace,
  child: EndedChild,
  outcome: ChildOutcome,
): Promise<void> {
  const { parent } = child;
  if (parent === undefined) return;
  const above = place.directory.find(parent.queue);
  if (above?.driver.flows === undefined) throw unknownParent(place, parent);
  const reference = memberRef(place, child.id, parent.queue);
  await above.driver.flows.report(above.settings, parent.id, reference, outcome);
  if (outcome.kind !== "dead") return;
  const record = await above.driver.admin?.find(above.settings, parent.id);
  if (record?.state !== "dead" || record.reason !== "child-dead") return;
  await reportEnd(above, record, { kind: "dead", reason: "child-dead" });
}

/** What there is to tell of an attempt's end, if anything. */
export function endOf(job: ClaimedJob, verdict: Verdict): ChildOutcome | undefined {
  return job.parent === undefined ? undefined : outcomeOfVerdict(verdict);
}

function unknownParent({ settings }: QueuePlace, { queue }: ParentRef): QueueError {
  return new QueueError(
    "QUEUE_UNSUPPORTED",
    settings.name,
    `queue "${settings.name}": a job's parent is in "${queue}", on a server that is not among the links of createQueues here`,
  );
}
