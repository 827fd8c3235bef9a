/** What not every engine can do: {@link Capabilities} say which of these a driver has. */

import type {
  DeadReason,
  Enqueued,
  Failure,
  JobHeaders,
  Lease,
  NewJob,
  ParentRef,
  QueueSettings,
} from "./driver.ts";

export type JobState = "held" | "delayed" | "ready" | "active" | "done" | "dead" | "cancelled";

/** What is known of a job. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly body: string;
  readonly headers: JobHeaders;
  /** Attempts that were begun. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly key: string | undefined;
  readonly parent: ParentRef | undefined;
  readonly addedAtMs: number;
  /** When it was done, dead or cancelled. */
  readonly endedAtMs: number | undefined;
  /** JSON text. */
  readonly progress: string | undefined;
  /** JSON text. */
  readonly result: string | undefined;
  readonly reason: DeadReason | undefined;
  /** The failed attempts, oldest first; the last ten. */
  readonly history: readonly PastFailure[];
}

export interface PastFailure extends Failure {
  readonly attempt: number;
  readonly atMs: number;
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /** Give it to `list` for the next page; undefined on the last. */
  readonly cursor: string | undefined;
}

/** `capabilities.admin`; the dead also need `capabilities.deadLetters`. */
export interface JobAdmin {
  find(queue: QueueSettings, id: string): Promise<JobRecord | undefined>;
  /** Those of one state, oldest first. */
  list(
    queue: QueueSettings,
    state: JobState,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<JobPage>;
  /**
   * Ends a job that has not ended: one that waits never runs, one that is active loses its lease.
   * False: there is none, or it has ended.
   */
  cancel(queue: QueueSettings, id: string): Promise<boolean>;
  /** Nothing is claimed until `resume`, by any process. */
  pause(queue: QueueSettings): Promise<void>;
  resume(queue: QueueSettings): Promise<void>;
  /** Dead jobs are ready again with all their attempts: those named, or the oldest `limit`. Returns how many. */
  redrive(
    queue: QueueSettings,
    which: { readonly ids: readonly string[] } | { readonly limit: number },
  ): Promise<number>;
  /** Deletes all jobs of these states; `active` is no such state. Returns how many. */
  purge(queue: QueueSettings, states: readonly JobState[]): Promise<number>;
  /** Says how far a job is. False: the lease is lost. @param progress JSON text. */
  progress(queue: QueueSettings, lease: Lease, progress: string): Promise<boolean>;
}

/** `capabilities.schedules`. */
export interface Schedules {
  /**
   * Adds the job of one tick, unless this tick or a later one has been fired: in one step, so that of
   * all processes that try, one does. `early`: by the server's clock the tick is still to come, in
   * `inMs`, and nothing was done: the caller's clock is ahead. A full backlog does not refuse it.
   */
  fire(
    queue: QueueSettings,
    schedule: string,
    tickMs: number,
    job: NewJob,
  ): Promise<
    { readonly outcome: "fired" | "already" } | { readonly outcome: "early"; readonly inMs: number }
  >;
  /** The last tick fired, and the server's time; `begin` writes now down as the last tick if there is none. */
  begin(
    queue: QueueSettings,
    schedule: string,
  ): Promise<{ readonly lastTickMs: number; readonly nowMs: number }>;
  /**
   * Forgets that there was such a schedule: the next `begin` starts afresh. Of one that is not known,
   * nothing.
   */
  forget(queue: QueueSettings, schedule: string): Promise<void>;
}

export type ChildOutcome =
  | { readonly kind: "done"; readonly result: string | undefined }
  | { readonly kind: "dead"; readonly reason: DeadReason | "cancelled" };

/**
 * `capabilities.flows`. The children may be in other queues and other servers, so nothing here is one
 * step with them: what a child has become is written down with the parent, also before the parent is
 * there, and saying it twice changes nothing.
 */
export interface Flows {
  /**
   * Adds the parent, held until all `children` have been reported; at once ready if they all have.
   * What was reported of a parent that never came is forgotten after a day.
   */
  hold(
    queue: QueueSettings,
    parent: NewJob,
    children: readonly ParentRef[],
    options: { readonly childDead: "fail" | "continue" },
  ): Promise<Enqueued>;
  /** A child has ended. When it is the last, the parent is ready; when it is dead and the parent fails with it, dead. */
  report(
    queue: QueueSettings,
    parentId: string,
    child: ParentRef,
    outcome: ChildOutcome,
  ): Promise<void>;
  /** What the children of a parent have become, in the order given to `hold`. */
  children(
    queue: QueueSettings,
    parentId: string,
  ): Promise<readonly (ParentRef & { readonly outcome: ChildOutcome | undefined })[]>;
}
