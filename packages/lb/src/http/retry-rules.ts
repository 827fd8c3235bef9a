/**
 * May this request be sent again?
 *
 * A retry can do harm in two ways: it can do a thing twice, and it can add load to servers that fail
 * because of load. This table weighs both, and is all there is: a pure function of what went wrong
 * and what the request is.
 *
 * | what went wrong | which requests | another target | budget |
 * | --- | --- | --- | --- |
 * | nothing was sent (refused, no route, pool closed) | any | yes | free |
 * | a kept connection turned out closed | repeatable, once a request | yes | free |
 * | 500, 502, 503, 504, reset, timeout, bad answer | repeatable | yes | one |
 * | 429 | none | | |
 * | the caller left or is to blame | none | | |
 * | anything, once the answer is on its way to the client | none | | |
 *
 * *Repeatable* is a method that RFC 9110 §9.2.2 calls idempotent, or any that carries an
 * `Idempotency-Key`. Whatever the row, the body must still be there to be sent again, and the number
 * of attempts is bounded. One that was *refused* is not counted: it took no time and no server
 * noticed, so as long as one target lives, the request finds it.
 *
 * Why like this:
 *
 * - What was never sent cannot happen twice, so a POST is retried too, as gRPC does ("transparent
 *   retry"). It put no load on a server, so it takes nothing from the budget.
 * - Server and client may each close an idle connection, at the same moment. Such a reset says
 *   nothing about the server; it comes with keep-alive, and the retry repairs it. A server may
 *   nevertheless have acted before it closed, hence only repeatable requests. The attempt is
 *   reported as `abandoned`, as HTTP clients hide this case from everybody (Go's `net/http`,
 *   hyper); a second one in the same request is a failure like any other.
 * - 500 is retried although it may be a bug that every target has: the budget bounds what is lost
 *   on bugs, and what is gained is that one broken target of four costs no failed request.
 * - 429 means that *the client* sends too much (RFC 6585 §4). Asking the next target at once would
 *   either meet the same limit or get round it. The client gets the answer and its `Retry-After`.
 *   Who means "this server is busy" by it says 503, or maps it to a failure with `classify`.
 *
 * What is left to the caller, because it takes state: to withdraw from the budget
 * (`budget-exhausted`), and to find another target (`no-other-target`).
 *
 * Sources: gRFC A6; Caddy `reverseproxy` ("dial error"); Envoy `retry_on`; Finagle `RequeueFilter`.
 */

import type { LbRetry } from "@headroom/core/channels";
import type { AttemptFailure } from "./classify.ts";

/** What the decision depends on besides the failure. */
export interface RetryRequest {
  /** As sent: methods are case-sensitive. */
  readonly method: string;
  /** Whether it has an `Idempotency-Key` header. */
  readonly hasIdempotencyKey: boolean;
  /** Whether its body can be sent (again) from its beginning. */
  readonly bodyReplayable: boolean;
  /** Whether the client has been given anything of an answer. */
  readonly answerBegun: boolean;
  /** How many attempts there were, this one included; without those that were refused. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Whether an earlier attempt of this request was retried because of a closed kept connection. */
  readonly freeRetryUsed: boolean;
}

/** What to do, in the words of `LbRetry.decision`. */
export type RetryDecision =
  | {
      readonly retry: true;
      /** Take one from the budget first; if it has none the decision is `budget-exhausted`. */
      readonly withdraw: boolean;
      /**
       * This is the one free retry: remember it for `freeRetryUsed`, and report `abandoned`
       * instead of the attempt's outcome.
       */
      readonly free: boolean;
    }
  | {
      readonly retry: false;
      readonly reason: Extract<
        LbRetry["decision"],
        "not-repeatable" | "attempts-exhausted" | "answer-begun"
      >;
    };

const UNSENT: RetryDecision = { retry: true, withdraw: false, free: false };
const FREE: RetryDecision = { retry: true, withdraw: false, free: true };
const BUDGETED: RetryDecision = { retry: true, withdraw: true, free: false };
const ANSWER_BEGUN: RetryDecision = { retry: false, reason: "answer-begun" };
const NOT_REPEATABLE: RetryDecision = { retry: false, reason: "not-repeatable" };
const EXHAUSTED: RetryDecision = { retry: false, reason: "attempts-exhausted" };

/** The table above. Allocates nothing. */
export function decideRetry(failure: AttemptFailure, request: RetryRequest): RetryDecision {
  if (request.answerBegun) return ANSWER_BEGUN;
  if (!request.bodyReplayable || !isTransient(failure)) return NOT_REPEATABLE;
  const unsent = failure.sent === "no";
  if (!unsent && !isRepeatable(request.method, request.hasIdempotencyKey)) return NOT_REPEATABLE;
  if (request.attempts >= request.maxAttempts) return EXHAUSTED;
  if (unsent) return UNSENT;
  return failure.reason === "stale-socket" && !request.freeRetryUsed ? FREE : BUDGETED;
}

/** Whether sending it twice does what sending it once does, as far as its sender says. */
export function isRepeatable(method: string, hasIdempotencyKey: boolean): boolean {
  return hasIdempotencyKey || isIdempotent(method);
}

/** RFC 9110 §9.2.2: the safe methods, PUT and DELETE. Lower case is another, unknown method. */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "TRACE":
    case "PUT":
    case "DELETE":
      return true;
    default:
      return false;
  }
}

/** Whether another target may do better. */
function isTransient({ reason, outcome, sent }: AttemptFailure): boolean {
  if (reason === "aborted" || reason === "caller") return false;
  // Not only what blames the target: our own pool to it may have been closed under the request.
  return outcome.type === "failure" || sent === "no" || reason === "closed";
}
