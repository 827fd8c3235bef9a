/** Jobs on their way into SQL, and out of it. */

import { postgresArray } from "@headroom/core/postgres-client";
import type { ClaimedJob, DeadReason, Enqueued, JobHeaders, NewJob, ParentRef } from "../driver.ts";
import type { JobRecord, JobState, PastFailure } from "../driver-powers.ts";
import type { Row } from "./statements.ts";

export interface AddOptions {
  readonly maxBacklog: number | undefined;
  /** Whether the backlog is counted under a lock. */
  readonly lock: boolean;
  /** Looks at each although nothing seems to be in the way. @default false */
  readonly careful?: boolean | undefined;
  /** There for a parent that is held. */
  readonly childDead?: "fail" | "continue" | undefined;
}

/** How `add_jobs` is called; its values are `addValues`. */
export const ADD_PARAMETERS: string = [
  ...["text", "text[]", "text[]", "text[]", "text[]", "float8[]", "int[]", "int[]", "text[]"],
  ...["text[]", "float8[]", "text[]", "text[]", "boolean[]", "boolean", "int", "boolean", "text"],
]
  .map((type, index) => `$${index + 1}::${type}`)
  .join(", ");

/** As many as {@link ADD_PARAMETERS}. */
export const ADD_COUNT = 18;

export function addValues(queue: string, jobs: readonly NewJob[], options: AddOptions): unknown[] {
  const { maxBacklog, lock, childDead } = options;
  const list = (field: (job: NewJob) => string | number | boolean | undefined): string | null => {
    const values = jobs.map(field);
    return values.every((value) => value === undefined) ? null : postgresArray(values);
  };
  const mayExist = jobs.some((job) => job.mayExist);
  const careful =
    options.careful === true ||
    maxBacklog !== undefined ||
    childDead !== undefined ||
    mayExist ||
    jobs.some((job) => job.dedup !== undefined) ||
    new Set(jobs.map((job) => job.id)).size < jobs.length;
  return [
    queue,
    list((job) => job.id),
    list((job) => job.name),
    list((job) => job.body),
    list((job) => headersText(job.headers)),
    list((job) => job.delayMs || undefined),
    list((job) => job.priority || undefined),
    list((job) => job.maxAttempts),
    list((job) => job.key),
    list((job) => job.dedup?.key),
    list((job) => job.dedup?.windowMs),
    list((job) => job.parent?.queue),
    list((job) => job.parent?.id),
    mayExist ? list((job) => job.mayExist) : null,
    careful,
    maxBacklog ?? null,
    lock,
    childDead ?? null,
  ];
}

function headersText(headers: JobHeaders): string | undefined {
  for (const _ in headers) return JSON.stringify(headers);
  return undefined;
}

/** Rows of `add_jobs`: those that are not there were added. */
export function outcomesOf(jobs: readonly NewJob[], rows: readonly Row[]): readonly Enqueued[] {
  const outcomes: Enqueued[] = jobs.map(({ id }) => ({ outcome: "added", id }));
  for (const row of rows) {
    outcomes[Number(row["place"]) - 1] =
      row["outcome"] === "full"
        ? { outcome: "full" }
        : { outcome: "duplicate", id: String(row["id"]) };
  }
  return outcomes;
}

/** A row of `claim`. */
export function claimedJob(row: Row, lease: string): ClaimedJob {
  const id = String(row["id"]);
  const attempt = Number(row["attempt"]);
  return {
    id,
    token: `${id}:${attempt}:${lease}`,
    name: String(row["name"]),
    body: String(row["body"]),
    headers: headersOf(row),
    attempt,
    maxAttempts: Number(row["attempts"]),
    priority: Number(row["priority"]),
    key: textOf(row["key"]),
    dedup: textOf(row["dedup"]),
    parent: parentOf(row),
    addedAtMs: Math.round(Number(row["added"])),
    waitedMs: Math.max(0, Number(row["waited"])),
  };
}

/** The part of a token by which the server knows a lease. */
export function leaseOf(token: string): string {
  return token.slice(token.lastIndexOf(":") + 1);
}

/** A job that waits is ready when it is due, whether anybody has written that down or not. */
export const SHOWN_STATE = `CASE WHEN state NOT IN ('ready', 'delayed') THEN state
  WHEN due_at > clock_timestamp() THEN 'delayed' ELSE 'ready' END`;

const RECORD = `id, name, body, headers, priority, attempts, max_attempts AS most, key,
  parent_queue AS parentqueue, parent_id AS parentid,
  extract(epoch FROM added_at)::float8 * 1000 AS added, progress, history`;

export const LIVING_RECORD: string = `number AS position, ${SHOWN_STATE} AS state, ${RECORD},
  NULL::float8 AS ended, NULL AS result, NULL AS reason`;

export const ENDED_RECORD: string = `ended_number AS position, state, ${RECORD},
  extract(epoch FROM ended_at)::float8 * 1000 AS ended, result, reason`;

export function jobRecord(row: Row): JobRecord {
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    state: row["state"] as JobState,
    body: String(row["body"]),
    headers: headersOf(row),
    attempts: Number(row["attempts"]),
    maxAttempts: Number(row["most"]),
    priority: Number(row["priority"]),
    key: textOf(row["key"]),
    parent: parentOf(row),
    addedAtMs: Math.round(Number(row["added"])),
    endedAtMs: row["ended"] === null ? undefined : Math.round(Number(row["ended"])),
    progress: textOf(row["progress"]),
    result: textOf(row["result"]),
    reason: textOf(row["reason"]) as DeadReason | undefined,
    history: (row["history"] ?? []) as readonly PastFailure[],
  };
}

export function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

export function parentOf(row: Row): ParentRef | undefined {
  const queue = textOf(row["parentqueue"]);
  return queue === undefined ? undefined : { queue, id: String(row["parentid"]) };
}

function headersOf(row: Row): JobHeaders {
  const text = textOf(row["headers"]);
  return text === undefined ? {} : (JSON.parse(text) as JobHeaders);
}
