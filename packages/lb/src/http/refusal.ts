/**
 * Why a message is not passed on.
 *
 * Each reason is a constant: refusing costs nothing, so that those who send rubbish by the million
 * cannot make it cost something, and no byte of what they sent gets into a log.
 */

import { LbError, type LbErrorDetails } from "../errors.ts";

/** One reason, and the HTTP status that tells the sender. */
export interface Refusal {
  /** For programs and labels. */
  readonly reason: RefusalReason;
  /** 4xx or 5xx; 502 when the target's answer is refused and not the request. */
  readonly statusCode: number;
  /** For people: what is wrong, without quoting it. */
  readonly message: string;
}

export type RefusalReason =
  | "host-missing"
  | "host-repeated"
  | "host-invalid"
  | "length-and-chunked"
  | "length-repeated"
  | "length-invalid"
  | "transfer-coding"
  | "too-many-headers"
  | "headers-too-large"
  | "target-form"
  | "target-character"
  | "dot-segment"
  | "body-too-large"
  | "loop"
  | "answer-header";

const BAD_GATEWAY = 502;

/** The request has been here already: our own name is in its `Via`. */
export const LOOP: Refusal = {
  reason: "loop",
  statusCode: 508,
  message: "the request has passed this proxy before: a target leads back to it",
};

/** Its body is larger than the proxy's `limits.maxBodyBytes`. */
export const BODY_TOO_LARGE: Refusal = {
  reason: "body-too-large",
  statusCode: 413,
  message: "the body is larger than allowed",
};

/** The error for a refusal: `LB_UPSTREAM` if the answer was refused, else `LB_REFUSED_REQUEST`. */
export function refusalError(refusal: Refusal, details: LbErrorDetails): LbError {
  if (refusal.statusCode !== BAD_GATEWAY) {
    const message = `pool "${details.pool}" refused a request: ${refusal.message}`;
    return new LbError("LB_REFUSED_REQUEST", message, details);
  }
  const target = details.target ?? "a target";
  const message = `${target} of pool "${details.pool}" gave a bad answer: ${refusal.message}`;
  return new LbError("LB_UPSTREAM", message, details);
}
