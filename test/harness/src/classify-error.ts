/**
 * Did it happen? The answer that an error of a client gives.
 *
 * `failed` is a promise: nothing was sent, or the server itself has said no. Whatever cannot prove
 * that is `unknown`, also what we have never seen before. Being wrong in that direction makes a
 * checker see less; being wrong in the other makes it lie.
 */
export type ErrorClass = "failed" | "unknown";

export function classifyError(error: unknown): ErrorClass {
  return neverSent(error) || refusedByServer(error) ? "failed" : "unknown";
}

/** A short name to count errors by: a code where there is one. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = isFetchFailure(error) ? error.cause : error;
  const code = cause instanceof Error ? field(cause, "code") : undefined;
  return typeof code === "string" && code !== "" ? code : error.message.slice(0, 60) || error.name;
}

/** Errors of a client (named on the left) that has not sent a byte of the operation. */
const NOTHING_SENT: readonly string[] = [
  // pg
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  // pg-pool
  "Cannot use a pool after calling end on the pool",
  "timeout exceeded when trying to connect",
  "Connection terminated due to connection timeout",
  // ioredis
  "Stream isn't writeable and enableOfflineQueue options is false",
  "Cluster isn't ready and enableOfflineQueue options is false",
];

function neverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every(neverSent);
  }
  // Only here: elsewhere the cause may be the last of several attempts, and an earlier one was sent.
  if (isFetchFailure(error)) return neverSent(error.cause);
  const syscall = field(error, "syscall");
  if (syscall === "connect" || syscall === "getaddrinfo") return true;
  return field(error, "code") === "UND_ERR_CONNECT_TIMEOUT" || NOTHING_SENT.includes(error.message);
}

function refusedByServer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "ReplyError") return !HALF_RUN_SCRIPT.test(error.message);
  const sqlState = field(error, "code");
  const severity = field(error, "severity");
  // Node's own codes may look like an SQLSTATE (EPIPE); only the server's reply has a severity.
  if (typeof sqlState !== "string" || typeof severity !== "string") return false;
  if (severity === "ERROR") return !UNDECIDED.test(sqlState);
  return REFUSED_AT_CONNECT.test(sqlState);
}

/** Redis does not undo what a Lua script had written before its error. */
const HALF_RUN_SCRIPT = /user_(script|function)/;

/** Connection lost on the way (08), statement of unknown completion (40003). */
const UNDECIDED = /^(08|40003)/;

/**
 * After any other FATAL or PANIC the session is gone, perhaps between a commit and its reply. These
 * come before the first statement: starting up or shutting down, too many connections, wrong role,
 * wrong password, no such database.
 */
const REFUSED_AT_CONNECT = /^(57P03|53300|28000|28P01|3D000)$/;

function isFetchFailure(error: Error): boolean {
  return error instanceof TypeError && error.message === "fetch failed";
}

function field(error: Error, name: string): unknown {
  return (error as unknown as Record<string, unknown>)[name];
}
