/**
 * What a load balancer throws, and when.
 *
 * | code | meaning | retryable |
 * | --- | --- | --- |
 * | `LB_NO_TARGET` | there is none, all are draining, or all were tried | yes |
 * | `LB_OVERLOADED` | the limit of requests in flight is reached and the queue is full | yes |
 * | `LB_TIMEOUT` | a target, or all attempts together, took too long | yes |
 * | `LB_UPSTREAM` | the last target that was tried failed; `cause` is how | yes |
 * | `LB_REFUSED_REQUEST` | the request is malformed or unsafe; nothing was sent | no |
 * | `LB_CLOSED` | the balancer is closed | no |
 */

import { HeadroomError } from "@headroom/core/errors";

export type LbErrorCode =
  | "LB_NO_TARGET"
  | "LB_OVERLOADED"
  | "LB_TIMEOUT"
  | "LB_UPSTREAM"
  | "LB_REFUSED_REQUEST"
  | "LB_CLOSED";

export interface LbErrorDetails {
  /** The configured name of the balancer. */
  readonly pool: string;
  /** The id of the target that was tried last; absent when none was. */
  readonly target?: string | undefined;
  /** How many targets were tried. */
  readonly attempts?: number | undefined;
  readonly cause?: unknown;
}

/** Any failure of a load balancer; tell them apart by `code`. */
export class LbError extends HeadroomError<LbErrorCode> {
  readonly pool: string;
  readonly target: string | undefined;
  readonly attempts: number;

  static {
    Object.defineProperty(LbError.prototype, "name", { value: "LbError" });
  }

  constructor(code: LbErrorCode, message: string, details: LbErrorDetails) {
    super(code, message, { retryable: RETRYABLE.has(code), cause: details.cause });
    this.pool = details.pool;
    this.target = details.target;
    this.attempts = details.attempts ?? 0;
  }
}

const RETRYABLE: ReadonlySet<LbErrorCode> = new Set([
  "LB_NO_TARGET",
  "LB_OVERLOADED",
  "LB_TIMEOUT",
  "LB_UPSTREAM",
]);
