import { HeadroomError, type HeadroomErrorOptions } from "@headroom/core/errors";

export type ReplicaErrorCode =
  /** No server that may take writes was found in time. Nothing was sent. */
  | "REPLICA_NO_PRIMARY"
  /** No server at all answered in time. Nothing was read. */
  | "REPLICA_UNAVAILABLE"
  /** The connection was lost after the statement was sent: it may have taken effect, or not. */
  | "REPLICA_WRITE_OUTCOME_UNKNOWN"
  /** All connections to a server were in use for as long as a statement waits for one. Nothing was sent. */
  | "REPLICA_POOL_EXHAUSTED"
  /** The primary takes no more reads in place of replicas (`primaryReads`). */
  | "REPLICA_OVERLOADED"
  /** A client was used after its `release()`. */
  | "REPLICA_CLIENT_RELEASED"
  /** A client cannot do this, since it is not one connection. */
  | "REPLICA_UNSUPPORTED"
  /** The pool has been ended. */
  | "REPLICA_CLOSED";

/** What goes wrong in the router itself. Errors of PostgreSQL and of pg pass as they are. */
export class ReplicaError extends HeadroomError<ReplicaErrorCode> {
  static {
    Object.defineProperty(ReplicaError.prototype, "name", { value: "ReplicaError" });
  }
}

/** The write was sent and its connection lost: whether it took effect only the database knows. */
export function outcomeUnknown(node: string, cause: unknown): ReplicaError {
  const what = `the connection to ${node} was lost after a write was sent: it may have taken effect; read before you repeat it`;
  return new ReplicaError("REPLICA_WRITE_OUTCOME_UNKNOWN", what, { cause });
}

export function noPrimary(pool: string, waitedMs: number, cause: unknown): ReplicaError {
  const what = `no primary of "${pool}" was found within ${Math.round(waitedMs)} ms; nothing was sent`;
  return new ReplicaError("REPLICA_NO_PRIMARY", what, transient(cause));
}

export function unavailable(pool: string, waitedMs: number, cause: unknown): ReplicaError {
  const what = `no server of "${pool}" could answer a read within ${Math.round(waitedMs)} ms`;
  return new ReplicaError("REPLICA_UNAVAILABLE", what, transient(cause));
}

export function poolExhausted(node: string, max: number, cause: unknown): ReplicaError {
  const what = `all ${max} connections to ${node} are in use, and none became free in time; nothing was sent`;
  return new ReplicaError("REPLICA_POOL_EXHAUSTED", what, transient(cause));
}

function transient(cause: unknown): HeadroomErrorOptions {
  return { retryable: true, cause };
}
