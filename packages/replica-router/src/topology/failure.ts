/**
 * What an error of `pg` means for the router.
 *
 * pg and pg-pool give their own errors no code; a server's error has five characters, the system's
 * starts with E. The distinction that matters most is whether the connection is still good: pg-pool
 * would throw it away after any error, also a misspelt column.
 */

export type Failure =
  /** The connection is broken, or there was none. */
  | "connection"
  /** The pool had no connection free in time; says nothing about the server. */
  | "exhausted"
  /** The application's `query_timeout` ended the wait: the connection is still busy with it. */
  | "timeout"
  /** The statement was cancelled because it stood in the way of replay. */
  | "conflict"
  /** `25006`: a write, on a server that is read-only. It did nothing. */
  | "read-only"
  /** What a server in recovery cannot do. It did nothing. */
  | "recovery"
  /** The statement's own fault; the connection is good. */
  | "statement";

const SYSTEM_ERRORS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
  "ENOENT",
]);

/** Ends of the server or of the session; and `53300`, too many connections, while connecting. */
const SERVER_ENDS = new Set(["57P01", "57P02", "57P03", "57P05", "53300"]);

const POOL_EXHAUSTED = "timeout exceeded when trying to connect";
const QUERY_TIMEOUT = "Query read timeout";
const WITHOUT_CODE = /^Connection terminated|not queryable$|^Client was closed|^timeout expired$/;

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) && (typeof error !== "object" || error === null))
    return "statement";
  const { code, message, severity } = error as {
    code?: unknown;
    message?: unknown;
    severity?: unknown;
  };
  if (typeof code !== "string") return failureByMessage(String(message));
  if (SYSTEM_ERRORS.has(code) || SERVER_ENDS.has(code) || code.startsWith("08"))
    return "connection";
  if (code === "25006") return "read-only";
  if (severity === "FATAL" || severity === "PANIC")
    return code === "40001" ? "connection" : fatal(code);
  if (code === "40001") return "conflict";
  if (code === "0A000" || code === "55000" || code === "XX000") return "recovery";
  return "statement";
}

/** Wrong password, no such database: trying elsewhere or later helps nobody. */
function fatal(code: string): Failure {
  return code.startsWith("28") || code.startsWith("3D") ? "statement" : "connection";
}

function failureByMessage(message: string): Failure {
  if (message === POOL_EXHAUSTED) return "exhausted";
  if (message === QUERY_TIMEOUT) return "timeout";
  return WITHOUT_CODE.test(message) ? "connection" : "statement";
}
