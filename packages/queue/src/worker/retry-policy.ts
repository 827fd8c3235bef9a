/**
 * What becomes of a job whose attempt has failed.
 *
 * The backoff is a pure function of which retry it is, so nothing is stored for it. One that goes by
 * the delay before (decorrelated jitter) gets that delay drawn anew, from the first retry on: the
 * chain of delays has the same distribution, whichever process draws it.
 */

import type { Backoff } from "@headroom/core/backoff";
import { redactUrl } from "@headroom/core/errors";
import type { Random } from "@headroom/core/random";
import type { ClaimedJob, DeadReason, Failure, Verdict } from "../driver.ts";
import { isUnrecoverable, retryAfterMs } from "../job.ts";

const LONGEST_MESSAGE = 500;
const LONGEST_NAME = 100;

export interface RetryRules {
  readonly backoff: Backoff;
}

/**
 * @param exhausted why it is dead when this was its last attempt.
 * @param longestMs the longest delay that the driver knows.
 */
export function failedVerdict(
  job: Pick<ClaimedJob, "attempt" | "maxAttempts">,
  error: unknown,
  rules: RetryRules,
  random: Random,
  longestMs: number,
  exhausted: DeadReason = "attempts-exhausted",
): Verdict {
  const failure = failureOf(error);
  if (isUnrecoverable(error)) return { kind: "dead", reason: "unrecoverable", failure };
  if (job.attempt >= job.maxAttempts) return { kind: "dead", reason: exhausted, failure };
  const delayMs = retryAfterMs(error) ?? backoffMs(rules.backoff, job.attempt, random);
  return { kind: "retry", delayMs: Math.min(longestMs, Math.round(delayMs)), failure };
}

/** How an attempt failed, as it is kept: no stack, and no URL with a password in it. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: `threw a ${typeof error}` };
  return {
    name: String(error.name).slice(0, LONGEST_NAME),
    message: redactUrl(String(error.message)).slice(0, LONGEST_MESSAGE),
  };
}

/** A backoff of the application's own may throw or return nonsense: the job must not suffer for it. */
function backoffMs(backoff: Backoff, attempt: number, random: Random): number {
  let delayMs = 0;
  try {
    for (let retry = 1; retry <= attempt; retry++) delayMs = backoff(retry, random, delayMs);
  } catch {
    return FALLBACK_MS;
  }
  return Number.isFinite(delayMs) && delayMs >= 0 ? delayMs : FALLBACK_MS;
}

const FALLBACK_MS = 1_000;
