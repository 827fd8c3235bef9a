/** What the scripts say of a job, as the contract says it. */

import type { DeadReason } from "../driver.ts";
import type { JobRecord, JobState, PastFailure } from "../driver-powers.ts";
import { readRecord } from "./redis-job-record.ts";

/** Its record, state, end (`at|how`), failed attempts (`at attempt failure` on a line), progress. */
export type JobDescription = readonly [
  record: Buffer,
  state: Buffer,
  end: Buffer | null,
  past: Buffer | null,
  progress: Buffer | null,
];

export function jobRecord([record, stateText, end, past, progress]: JobDescription): JobRecord {
  const {
    attempt,
    token: _,
    mark: __,
    readyAtMs: ___,
    dedup: ____,
    ...job
  } = readRecord(record.toString());
  const state = stateText.toString() as JobState;
  const waits = state === "ready" || state === "delayed" || state === "held";
  const [endedAtMs, how = ""] = end === null ? [] : splitOnce(end.toString(), "|");
  return {
    ...job,
    state,
    // A job that waits has its next attempt written down.
    attempts: waits ? attempt - 1 : attempt,
    endedAtMs: endedAtMs === undefined ? undefined : Number(endedAtMs),
    progress: progress?.toString(),
    result: state === "done" && how.startsWith("=") ? how.slice(1) : undefined,
    reason: state === "dead" ? (how as DeadReason) : undefined,
    history: past === null ? [] : past.toString().trimEnd().split("\n").map(pastFailure),
  };
}

function pastFailure(line: string): PastFailure {
  const [atMs, rest] = splitOnce(line, " ");
  const [attempt, failure] = splitOnce(rest, " ");
  return { ...JSON.parse(failure), attempt: Number(attempt), atMs: Number(atMs) };
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + 1)];
}
