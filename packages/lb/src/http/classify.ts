/**
 * What an answer or an error says about the target, and whether the request had left.
 *
 * Two questions, kept apart. *Whom to blame* is read from the status or the error's code: a target
 * that refuses, resets, hangs or answers nonsense has failed; a client that left, a body that broke
 * off at the client's side, a mistake in the options and a shortage of our own (no file descriptor
 * left) say nothing about it. *Was it sent* is not read from the code, because most codes can mean
 * both: undici calls `onConnect` (`onRequestStart`) right before it writes the first byte, so an
 * error without that call means that nothing was written (7.30: `writeH1`, `writeH2`).
 *
 * What counts as a failure: 500, 502, 503, 504, and every error that is the target's. 429 is
 * `throttled`. All other statuses are answers, 4xx too, and so are 501 or 505: they are the same
 * from every target.
 */

import { isHeadroomError } from "@headroom/core/errors";
import { ABANDONED, FAILED, type Outcome, REFUSED, SUCCESS } from "../outcome.ts";
import type { RawHeaders } from "./raw-headers.ts";
import { retryAfterOf } from "./retry-after.ts";
import { failedOnReusedSocket } from "./reused-socket.ts";

/** Why an attempt was none that the client should get. */
export type FailureReason =
  /** It answered with a status that is a failure. */
  | "status"
  /** Nothing listens there; known at once. */
  | "refused"
  /** No connection for another reason: no route, no such host, no answer in time. */
  | "unreachable"
  /** The TLS handshake failed, or its certificate is not what it should be. */
  | "tls"
  /** Our pool to this target was closed meanwhile. */
  | "closed"
  /** This process is short of something: file descriptors, ports, memory. */
  | "local"
  /** A kept connection turned out to be closed. */
  | "stale-socket"
  /** The connection broke. */
  | "reset"
  /** No headers, or no more body, in time. */
  | "timeout"
  /** What came is not HTTP, or less than was announced. */
  | "bad-answer"
  /** The answer exceeds a limit of ours; from another target it would too. */
  | "too-large"
  /** The client has left, or its body broke off. */
  | "aborted"
  /** The request itself cannot be sent. */
  | "caller"
  | "unknown";

/** How one attempt failed. */
export interface AttemptFailure {
  readonly reason: FailureReason;
  /** What to report about the target. */
  readonly outcome: Outcome;
  /** `no` is certain. */
  readonly sent: "no" | "maybe";
}

/** What the one who dispatched knows about a failed attempt. */
export interface ErrorFacts {
  /** undici has called `onConnect` or `onRequestStart`. */
  readonly requestStarted: boolean;
  /** Any byte of an answer has come: `onResponseStarted`, `onHeaders`. */
  readonly answerStarted: boolean;
  /** We gave up ourselves: the client has left, its body broke off, another attempt was faster. */
  readonly abandoned: boolean;
}

/** The end of an attempt, for a rule of the user's own. */
export type AttemptResult =
  | {
      readonly type: "answer";
      readonly statusCode: number;
      /** Flat: name, value, name, value. */
      readonly headers: RawHeaders;
    }
  | { readonly type: "error"; readonly error: unknown };

/** A rule of the user's own. `undefined` leaves it to the rules of this file. */
export type Classify = (result: AttemptResult) => Outcome | undefined;

/**
 * What a status says. Reads the headers for `Retry-After` only where it counts: 429 and 503.
 * @param nowMs wall time.
 */
export function classifyStatus(statusCode: number, headers: RawHeaders, nowMs: number): Outcome {
  if (statusCode < 429) return SUCCESS;
  switch (statusCode) {
    case 429:
      return { type: "throttled", retryAfterMs: retryAfterOf(headers, nowMs) };
    case 503: {
      const retryAfterMs = retryAfterOf(headers, nowMs);
      if (retryAfterMs === undefined) return FAILED;
      return { type: "failure", kind: "failed", retryAfterMs };
    }
    case 500:
    case 502:
    case 504:
      return FAILED;
    default:
      return SUCCESS;
  }
}

/** An answer that is a failure, for `decideRetry`. */
export function statusFailure(outcome: Outcome): AttemptFailure {
  return { reason: "status", outcome, sent: "maybe" };
}

/** What an error says, be it undici's, Node's or our own. */
export function classifyError(error: unknown, facts: ErrorFacts): AttemptFailure {
  const reason = facts.abandoned ? "aborted" : reasonOf(error, facts);
  const sent = facts.requestStarted && !wasRefusedByStream(error) ? "maybe" : "no";
  return { reason, outcome: outcomeOf(reason), sent };
}

function outcomeOf(reason: FailureReason): Outcome {
  switch (reason) {
    case "refused":
      return REFUSED;
    case "closed":
    case "local":
    case "aborted":
    case "caller":
    case "too-large":
    case "unknown":
      return ABANDONED;
    default:
      return FAILED;
  }
}

function reasonOf(error: unknown, facts: ErrorFacts): FailureReason {
  const reason = reasonByCode(error);
  if (reason !== "reset" && reason !== "timeout") return reason;
  if (!facts.requestStarted) return "unreachable";
  if (reason === "timeout") return reason;
  return !facts.answerStarted && failedOnReusedSocket(error) ? "stale-socket" : "reset";
}

function reasonByCode(error: unknown): FailureReason {
  const code = codeOf(error);
  if (code === undefined) return reasonByName(error);
  const known = REASON_BY_CODE.get(code);
  if (known !== undefined) return known;
  if (code.startsWith("HPE_")) return "bad-answer";
  if (code.startsWith("ERR_HTTP2_")) return "reset";
  if (isHeadroomError(error)) return code.endsWith("_TIMEOUT") ? "timeout" : "unknown";
  if (isTlsCode(code)) return "tls";
  // Another errno of a system call on the socket (EHOSTDOWN, ENOTCONN, …) broke the connection.
  return isSystemError(error) ? "reset" : "unknown";
}

/** Codes of undici 7 (`lib/core/errors.js`) and errnos of Node. */
const REASON_BY_CODE: ReadonlyMap<string, FailureReason> = new Map<string, FailureReason>([
  ["ECONNREFUSED", "refused"],
  ["ENOENT", "refused"], // a Unix socket that is not there
  ["EHOSTUNREACH", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["ENOTFOUND", "unreachable"],
  ["EAI_AGAIN", "unreachable"],
  ["UND_ERR_CONNECT_TIMEOUT", "unreachable"],
  ["UND_ERR_PRX_TLS", "tls"],
  ["EPROTO", "tls"],
  ["UND_ERR_CLOSED", "closed"],
  ["UND_ERR_DESTROYED", "closed"],
  ["EMFILE", "local"],
  ["ENFILE", "local"],
  ["ENOBUFS", "local"],
  ["ENOMEM", "local"],
  ["EADDRNOTAVAIL", "local"],
  ["ECONNRESET", "reset"],
  ["EPIPE", "reset"],
  ["ECONNABORTED", "reset"],
  ["ETIMEDOUT", "timeout"],
  ["UND_ERR_SOCKET", "reset"],
  ["UND_ERR_INFO", "reset"], // HTTP/2: a stream that was reset or closed early
  ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
  ["UND_ERR_BODY_TIMEOUT", "timeout"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "bad-answer"],
  ["UND_ERR_HEADERS_OVERFLOW", "too-large"],
  ["UND_ERR_RES_EXCEEDED_MAX_SIZE", "too-large"],
  ["UND_ERR_ABORTED", "aborted"],
  ["UND_ERR_ABORT", "aborted"],
  ["ABORT_ERR", "aborted"],
  ["UND_ERR_INVALID_ARG", "caller"],
  ["UND_ERR_INVALID_RETURN_VALUE", "caller"],
  ["UND_ERR_NOT_SUPPORTED", "caller"],
  ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "caller"],
]);

/** When several addresses of a host were tried, the error is an `AggregateError` of theirs. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}

/** Of an abort signal (their `code` is a number), and undici's parser (its `code` got lost, 7.30). */
function reasonByName(error: unknown): FailureReason {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "AbortError" || error.name === "TimeoutError") return "aborted";
  return error.name === "HTTPParserError" ? "bad-answer" : "unknown";
}

/** Names that OpenSSL and Node give to what is wrong with a handshake or a certificate. */
function isTlsCode(code: string): boolean {
  return (
    code.startsWith("ERR_TLS_") ||
    code.startsWith("ERR_SSL_") ||
    code.startsWith("UNABLE_TO_") ||
    code.startsWith("CERT_") ||
    code.endsWith("_CERT") ||
    code.endsWith("_IN_CHAIN")
  );
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/**
 * `REFUSED_STREAM` (7) is the HTTP/2 server's promise that it has done nothing with the request
 * (RFC 9113 §8.7). Node and undici have it only in their messages.
 */
function wasRefusedByStream(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { message } = error;
  return (
    message.endsWith("NGHTTP2_REFUSED_STREAM") ||
    (message.startsWith("HTTP/2: ") && message.endsWith(" code 7"))
  );
}
