/** A job as the memory keeps it, and as it is shown. */

import type { ClaimedJob, DeadReason, NewJob, ParentRef } from "../driver.ts";
import type { ChildOutcome, JobRecord, JobState, PastFailure } from "../driver-powers.ts";

/** The right to work on a job. */
export interface HeldLease {
  readonly token: string;
  /** By the monotonic clock, as every time here unless its comment says otherwise. */
  untilMs: number;
}

/** What a parent waits for. */
export interface FamilyOfJob {
  readonly children: readonly ParentRef[];
  readonly outcomes: Map<string, ChildOutcome>;
  readonly childDead: "fail" | "continue";
}

export interface MemoryJob {
  readonly added: NewJob;
  /** The order of adding. */
  readonly order: number;
  /** Wall time. */
  readonly addedAtMs: number;
  state: JobState;
  attempts: number;
  /** When it is ready, or has become so. */
  dueMs: number;
  /** There while it is active. */
  lease: HeldLease | undefined;
  family: FamilyOfJob | undefined;
  progress: string | undefined;
  result: string | undefined;
  reason: DeadReason | undefined;
  history: readonly PastFailure[];
  endedMs: number | undefined;
  /** Wall time. */
  endedAtMs: number | undefined;
}

const LONGEST_HISTORY = 10;

/** The history with one more failure. */
export function longerHistory(
  history: readonly PastFailure[],
  failure: PastFailure,
): readonly PastFailure[] {
  return [...history, failure].slice(-LONGEST_HISTORY);
}

/** What the one who claimed it gets. */
export function claimedJob({ added, ...job }: MemoryJob, token: string, nowMs: number): ClaimedJob {
  return {
    id: added.id,
    token,
    name: added.name,
    body: added.body,
    headers: added.headers,
    attempt: job.attempts,
    maxAttempts: added.maxAttempts,
    priority: added.priority,
    key: added.key,
    dedup: added.dedup?.key,
    parent: added.parent,
    addedAtMs: job.addedAtMs,
    waitedMs: nowMs - job.dueMs,
  };
}

/** What is known of it. */
export function jobRecord({ added, ...job }: MemoryJob): JobRecord {
  return {
    id: added.id,
    name: added.name,
    state: job.state,
    body: added.body,
    headers: added.headers,
    attempts: job.attempts,
    maxAttempts: added.maxAttempts,
    priority: added.priority,
    key: added.key,
    parent: added.parent,
    addedAtMs: job.addedAtMs,
    endedAtMs: job.endedAtMs,
    progress: job.progress,
    result: job.result,
    reason: job.reason,
    history: job.history,
  };
}
