/** What can go wrong with a queue. */

import { HeadroomError, type HeadroomErrorOptions } from "@headroom/core/errors";
import type { Enqueued } from "./driver.ts";

export type QueueErrorCode =
  | "QUEUE_FULL"
  | "QUEUE_INVALID"
  | "QUEUE_TOO_LARGE"
  | "QUEUE_VALUE"
  | "QUEUE_UNSUPPORTED"
  | "QUEUE_UNAVAILABLE"
  | "QUEUE_LEASE_LOST"
  | "QUEUE_CANCELLED"
  | "QUEUE_TIMEOUT"
  | "QUEUE_STOPPING"
  | "QUEUE_JOB_DEAD"
  | "QUEUE_RESULT_TIMEOUT"
  | "QUEUE_CLOSED"
  | "QUEUE_EVICTING";

/**
 * - `QUEUE_FULL` (retryable): as many jobs wait as `maxBacklog` allows; nothing was added.
 * - `QUEUE_INVALID`: the data or the result do not fit the schema. `issues` says where and why.
 * - `QUEUE_TOO_LARGE`: more than `maxBytes`. `QUEUE_VALUE`: it cannot be JSON.
 * - `QUEUE_UNSUPPORTED`: the driver cannot do what is asked for; thrown at boot.
 * - `QUEUE_UNAVAILABLE` (retryable): the server failed or did not answer; what was asked may be done.
 * - `QUEUE_LEASE_LOST`, `QUEUE_CANCELLED`, `QUEUE_TIMEOUT`, `QUEUE_STOPPING`: why `ctx.signal` aborted.
 * - `QUEUE_JOB_DEAD`: `addAndWait` waited for a job that was given up or cancelled.
 * - `QUEUE_RESULT_TIMEOUT`: it did not end in time; it goes on.
 * - `QUEUE_CLOSED`: used after `close`.
 * - `QUEUE_EVICTING`: this Redis may delete jobs when its memory is full.
 */
export class QueueError extends HeadroomError<QueueErrorCode> {
  /** The queue's name. */
  readonly queue: string;

  static {
    Object.defineProperty(QueueError.prototype, "name", { value: "QueueError" });
  }

  constructor(
    code: QueueErrorCode,
    queue: string,
    message: string,
    options?: HeadroomErrorOptions,
  ) {
    super(code, message, options);
    this.queue = queue;
  }
}

/** The server of a driver failed: whether it has done what was asked is not known. */
export function driverFailed(queue: string, driver: string, cause: unknown): QueueError {
  return new QueueError(
    "QUEUE_UNAVAILABLE",
    queue,
    `queue "${queue}": ${driver} failed or did not answer`,
    { cause, retryable: true },
  );
}

/**
 * Some jobs of an `addMany` were not added. Its code is `QUEUE_FULL`, or that of the failure; what is
 * known of each job, in their order, is in `outcomes`: those undefined were not tried, or may be there.
 */
export class AddManyError extends QueueError {
  /** Not shown by `inspect`: ids are no business of a log. */
  declare readonly outcomes: readonly (Enqueued | undefined)[];

  static {
    Object.defineProperty(AddManyError.prototype, "name", { value: "AddManyError" });
  }

  constructor(queue: string, known: readonly Enqueued[], jobs: number, cause: unknown) {
    const added = known.filter(({ outcome }) => outcome === "added").length;
    const code = cause === undefined ? "QUEUE_FULL" : "QUEUE_UNAVAILABLE";
    super(code, queue, `queue "${queue}": ${added} of ${jobs} jobs were added`, {
      cause,
      retryable: true,
    });
    const outcomes = Array.from({ length: jobs }, (_, at) => known[at]);
    Object.defineProperty(this, "outcomes", { value: outcomes, enumerable: false });
  }
}
