/** What the caller is told when a request failed. */

import { isHeadroomError } from "@headroom/core/errors";
import { LbError } from "../errors.ts";
import type { FailureReason } from "./classify.ts";

export interface FailedRequest {
  /** The balancer's name. */
  readonly pool: string;
  readonly target: string | undefined;
  readonly attempts: number;
}

/** Neither the target's fault nor ours: the caller knows its own errors best, so they pass as they are. */
const CALLERS_OWN: ReadonlySet<FailureReason> = new Set(["aborted", "caller", "unknown"]);

/** `LB_TIMEOUT` or `LB_UPSTREAM` with `error` as its cause; or `error` itself, where it is the caller's. */
export function exchangeError(error: Error, reason: FailureReason, request: FailedRequest): Error {
  if (CALLERS_OWN.has(reason) || isHeadroomError(error)) return error;
  const code = reason === "timeout" ? "LB_TIMEOUT" : "LB_UPSTREAM";
  const what = reason === "timeout" ? "did not answer in time" : `failed (${WORDS[reason]})`;
  return new LbError(code, `${subject(request)} ${what}, ${tried(request)}`, {
    ...request,
    cause: error,
  });
}

/** `LB_TIMEOUT` for a limit of ours. */
export function timeoutError(limit: string, timeoutMs: number, request: FailedRequest): LbError {
  const message = `${subject(request)} did not answer within ${timeoutMs} ms (${limit}), ${tried(request)}`;
  return new LbError("LB_TIMEOUT", message, request);
}

const WORDS: Readonly<Record<FailureReason, string>> = {
  status: "its status",
  refused: "connection refused",
  unreachable: "unreachable",
  tls: "TLS",
  closed: "its connections were closed",
  local: "this process is short of resources",
  "stale-socket": "it closed the connection",
  reset: "the connection broke",
  timeout: "timeout",
  "bad-answer": "its answer is not HTTP, or not whole",
  "too-large": "its answer is too large",
  aborted: "aborted",
  caller: "the request cannot be sent",
  unknown: "unknown",
};

function subject({ pool, target }: FailedRequest): string {
  return target === undefined ? `load balancer "${pool}"` : `target ${target} of "${pool}"`;
}

function tried({ attempts }: FailedRequest): string {
  return attempts === 1 ? "tried once" : `after ${attempts} attempts`;
}
