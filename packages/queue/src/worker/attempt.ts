/**
 * One attempt at one job, from its claim to its end.
 *
 *     waiting ──► running ──► over         settled, or dropped because the lease is lost
 *        └───────────────────►             released at a stop, or lost before it began
 *
 * `over` is for good: whatever the handler does afterwards is a late result, which is dropped. Most
 * handlers never look at their signal, so its controller is made when they do.
 */

import type { ClaimedJob, Verdict } from "../driver.ts";
import type { QueueError } from "../errors.ts";
import type { BatchGroup } from "./batch-group.ts";
import type { Timed, TimedList } from "./deadlines.ts";

export class Attempt implements Timed {
  readonly job: ClaimedJob;
  stage: "waiting" | "running" | "over" = "waiting";
  /** By our clock, and early rather than late: counted from when the lease was asked for. */
  leaseUntilMs: number;
  startedMs = 0;
  timeoutMs = 0;
  /** The job is not ours any more: nothing is told of it, whatever becomes of it here. */
  gone = false;
  /** Those it runs together with. */
  group: BatchGroup | undefined;
  /** Completed in a transaction of the application's: its lease is not touched any more. */
  completedInTx = false;
  /** What was decided already, by who had to know it first. */
  verdict: Verdict | undefined;
  /** Why its signal has aborted. */
  aborted: QueueError | undefined;
  dueMs = 0;
  previous: Timed | undefined;
  following: Timed | undefined;
  list: TimedList | undefined;
  #controller: AbortController | undefined;

  constructor(job: ClaimedJob, leaseUntilMs: number) {
    this.job = job;
    this.leaseUntilMs = leaseUntilMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted !== undefined) this.#controller.abort(this.aborted);
    }
    return this.#controller.signal;
  }

  /** The first reason stays. */
  abort(reason: QueueError): void {
    if (this.aborted !== undefined) return;
    this.aborted = reason;
    this.#controller?.abort(reason);
    this.group?.noteAbort(reason);
  }
}
