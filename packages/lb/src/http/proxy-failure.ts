/** What the client of the proxy is told when no target answered. */

import type { ServerResponse } from "node:http";
import { isHeadroomError } from "@headroom/core/errors";
import { LbError, type LbErrorCode } from "../errors.ts";

const STATUS_OF: Readonly<Record<LbErrorCode, number>> = {
  LB_NO_TARGET: 503,
  LB_OVERLOADED: 503,
  LB_CLOSED: 503,
  LB_TIMEOUT: 504,
  LB_UPSTREAM: 502,
  LB_REFUSED_REQUEST: 400,
};

/** The status for a failure: 502 for what is no error of the load balancer. */
export function statusOf(error: unknown): number {
  return isLbError(error) ? STATUS_OF[error.code] : 502;
}

/** The error itself if it is one of ours; otherwise it is the `cause`. */
export function failureOf(error: unknown, pool: string, target: string | undefined): LbError {
  if (isLbError(error)) return error;
  const message = `load balancer "${pool}" could not pass on a request`;
  return new LbError("LB_UPSTREAM", message, { pool, target, cause: error });
}

function isLbError(error: unknown): error is LbError {
  return isHeadroomError(error) && error.code in STATUS_OF;
}

/** Ends the answer with `statusCode` in plain text. Says nothing about targets. */
export function writeFailure(response: ServerResponse, statusCode: number): void {
  response.statusCode = statusCode;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(`${statusCode} ${TEXT_OF[statusCode] ?? "Bad Request"}\n`);
}

const TEXT_OF: Readonly<Record<number, string>> = {
  400: "Bad Request",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  508: "Loop Detected",
};
