/**
 * What the end of an attempt says: the rules of `classify.ts`, after the application's own.
 *
 * One thing only the request itself knows: an error may be that of the body's source, which is the
 * caller's and has passed through undici looking like any other.
 */

import type { Clock } from "@headroom/core/clock";
import { ABANDONED, type Outcome, SUCCESS } from "../outcome.ts";
import {
  type AttemptFailure,
  type AttemptResult,
  type Classify,
  classifyError,
  classifyStatus,
  type ErrorFacts,
} from "./classify.ts";

type Answered = Extract<AttemptResult, { type: "answer" }>;

interface Rules {
  /** The application's own; they come first. */
  readonly classify: Classify | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** Of an answer. */
export function judgeAnswer(
  { classify, clock }: Rules,
  { statusCode, headers }: Pick<Answered, "statusCode" | "headers">,
): Outcome {
  const own = classify?.({ type: "answer", statusCode, headers });
  if (own !== undefined) return own;
  return statusCode < 400 ? SUCCESS : classifyStatus(statusCode, headers, clock.now());
}

/** Of an error. @param isOwn it is the failure of the body's own source. */
export function judgeError(
  { classify }: Pick<Rules, "classify">,
  error: Error,
  isOwn: boolean,
  facts: Pick<ErrorFacts, "requestStarted" | "answerStarted">,
): AttemptFailure {
  if (isOwn) return { reason: "caller", outcome: ABANDONED, sent: "maybe" };
  const failure = classifyError(error, { ...facts, abandoned: false });
  const own = classify?.({ type: "error", error });
  return own === undefined ? failure : { ...failure, outcome: own };
}
