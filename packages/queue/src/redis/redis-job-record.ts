/**
 * A job as it is kept in Redis: one text, written once when the job is added and read once when it is claimed.
 *
 *     1796000000000|1796000000000|1:k3fQ.0|||["17fz","resize",5]⏎{"photo":"a.jpg"}
 *     added         ready since   │        │ └ head: what does not change        └ body
 *                                 │        └ mark: "" waits or is active, h held, x dead, d done,
 *                                 │                c cancelled
 *                                 │          (before it the number that orders the jobs of a key)
 *                                 └ next attempt : nonce . how often it was put back
 *
 * With the id in front, `1:k3fQ.0` is the token of the next lease. So a claim writes nothing into the
 * record, and the token of a job that is active can be told from it: that is how one is found and
 * cancelled. The nonce is new with every `enqueue`, and the number after it with every return to the
 * queue: no token comes twice, also not when a release gives the attempt back, as long as the server
 * forgets no claim.
 *
 * The two times are the server's, so the server puts them in front; Lua finds the rest behind their
 * fixed width. What nobody needs (a key, a parent, headers) takes no byte.
 */

import type { ClaimedJob, JobHeaders, NewJob, ParentRef } from "../driver.ts";

/** Where the token's end begins: two times of 13 digits, and their bars. */
const TOKEN_AT = 28;
const ESCAPE = "\u0001";
const NO_HEADERS: JobHeaders = Object.freeze({});

export type RecordMark = "" | "h" | "x" | "d" | "c";

export interface JobFacts {
  readonly id: string;
  readonly name: string;
  readonly body: string;
  readonly headers: JobHeaders;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly key: string | undefined;
  readonly dedup: string | undefined;
  readonly parent: ParentRef | undefined;
}

/** A record that was read. */
export interface JobText extends JobFacts {
  readonly addedAtMs: number;
  readonly readyAtMs: number;
  /** The one that is next, or is running; of a job that has ended the last one. */
  readonly attempt: number;
  /** Of the lease that is next, or that is held now. */
  readonly token: string;
  readonly mark: RecordMark;
}

/** id, name, maxAttempts, priority, key, dedup, parent's queue and id, headers, delay once held; 0: none. */
type Head = (string | number | JobHeaders)[];

/** The record of a job to be added, without the two times in front. @param heldDelayMs of a parent. */
export function recordOf(job: NewJob, nonce: string, heldDelayMs = 0): string {
  const { id, name, priority, key, dedup, parent, headers } = job;
  const maxAttempts = Math.min(job.maxAttempts, Number.MAX_SAFE_INTEGER);
  const head: Head = [id, name, maxAttempts];
  const hasHeaders = !isEmpty(headers);
  if (priority > 0 || key !== undefined || dedup !== undefined || parent || hasHeaders) {
    head.push(priority, key === undefined ? 0 : escapedKey(key), dedup?.key ?? 0);
    head.push(parent?.queue ?? 0, parent?.id ?? 0, hasHeaders ? headers : 0);
  } else if (heldDelayMs > 0) head.push(0, 0, 0, 0, 0, 0);
  if (heldDelayMs > 0) head.push(heldDelayMs);
  return `1:${nonce}.0|||${jsonOf(head)}\n${job.body}`;
}

export function readRecord(record: string): JobText {
  const tokenEnd = record.indexOf("|", TOKEN_AT);
  const markAt = record.indexOf("|", tokenEnd + 1) + 1;
  const headAt = record.indexOf("|", markAt) + 1;
  const bodyAt = record.indexOf("\n", headAt) + 1;
  const [id, name, maxAttempts, priority, key, dedup, parentQueue, parentId, headers] = JSON.parse(
    record.slice(headAt, bodyAt),
  ) as Head;
  const suffix = record.slice(TOKEN_AT, tokenEnd);
  return {
    id: String(id),
    name: String(name),
    body: record.slice(bodyAt),
    headers: typeof headers === "object" ? headers : NO_HEADERS,
    maxAttempts: Number(maxAttempts),
    priority: Number(priority ?? 0),
    key: typeof key === "string" ? unescapedKey(key) : undefined,
    dedup: typeof dedup === "string" ? dedup : undefined,
    parent: typeof parentId === "string" ? { queue: String(parentQueue), id: parentId } : undefined,
    addedAtMs: Number(record.slice(0, 13)),
    readyAtMs: Number(record.slice(14, 27)),
    attempt: Number(suffix.slice(0, suffix.indexOf(":"))),
    token: `${String(id)}:${suffix}`,
    mark: record.slice(markAt, headAt - 1) as RecordMark,
  };
}

/** @param nowMs the server's time at the claim. */
export function claimedJob(record: string, nowMs: number): ClaimedJob {
  const { mark: _, readyAtMs, ...job } = readRecord(record);
  return { ...job, waitedMs: Math.max(0, nowMs - readyAtMs) };
}

function isEmpty(headers: JobHeaders): boolean {
  for (const _ in headers) return false;
  return true;
}

/** Half a surrogate pair is no text for Redis, and its JSON reader refuses it. */
function jsonOf(head: Head): string {
  const json = JSON.stringify(head);
  if (!json.includes("\\ud")) return json;
  // The bytes of UTF-8 have no half: it becomes U+FFFD.
  const well = (text: string): string => Buffer.from(text).toString();
  return JSON.stringify(
    head.map((each) =>
      typeof each === "object"
        ? Object.fromEntries(Object.entries(each).map((pair) => pair.map(well)))
        : typeof each === "string"
          ? well(each)
          : each,
    ),
  );
}

/** NUL ends a key where keys are ordered, so it may not be in one. */
function escapedKey(key: string): string {
  if (!key.includes("\0") && !key.includes(ESCAPE)) return key;
  return key.replaceAll(ESCAPE, `${ESCAPE}b`).replaceAll("\0", `${ESCAPE}a`);
}

function unescapedKey(key: string): string {
  if (!key.includes(ESCAPE)) return key;
  return key.replaceAll(`${ESCAPE}a`, "\0").replaceAll(`${ESCAPE}b`, ESCAPE);
}
