/** What can go wrong with a session. */

import { HeadroomError } from "@headroom/core/errors";

export type SessionErrorCode =
  | "SESSION_STORE_FAILED"
  | "SESSION_TIMEOUT"
  | "SESSION_GONE"
  | "SESSION_CONFLICT"
  | "SESSION_VALUE"
  | "SESSION_TOO_LARGE"
  | "SESSION_LIMIT"
  | "SESSION_NOT_LOADED"
  | "SESSION_UNSUPPORTED"
  | "SESSION_READONLY";

export interface SessionErrorOptions {
  readonly cause?: unknown;
  readonly retryable?: boolean | undefined;
  /** The HTTP status it means; Express answers with it. */
  readonly status?: number | undefined;
}

/**
 * - `SESSION_STORE_FAILED`, `SESSION_TIMEOUT` (503, retryable): the store rejected, or did not answer.
 * - `SESSION_GONE` (409): it was destroyed while this request was working with it.
 * - `SESSION_CONFLICT` (409, retryable): `update` lost against others too often.
 * - `SESSION_VALUE`, `SESSION_TOO_LARGE` (500): the value of a field cannot be stored.
 * - `SESSION_LIMIT` (403): the user has as many sessions as allowed.
 * - `SESSION_NOT_LOADED`, `SESSION_UNSUPPORTED` (500): a mistake in the use; the message says which.
 * - `SESSION_READONLY` (503, retryable): the store is out, and what was read may not be changed.
 */
export class SessionError extends HeadroomError<SessionErrorCode> {
  /** The HTTP status it means. */
  readonly status: number;

  static {
    Object.defineProperty(SessionError.prototype, "name", { value: "SessionError" });
  }

  constructor(code: SessionErrorCode, message: string, options: SessionErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status ?? 500;
  }
}

export function storeFailed(store: string, cause: unknown): SessionError {
  return new SessionError("SESSION_STORE_FAILED", `the session store "${store}" failed`, {
    cause,
    retryable: true,
    status: 503,
  });
}

/** A write to a session that another request has ended. */
export function sessionGone(): SessionError {
  return new SessionError("SESSION_GONE", "the session has ended: nothing can be written to it", {
    status: 409,
  });
}

/** A write to a session that could not be read. */
export function sessionReadonly(): SessionError {
  return new SessionError(
    "SESSION_READONLY",
    "the session store is out: the session cannot be changed now",
    { retryable: true, status: 503 },
  );
}

/** An `update` of a session that is in its cookie. */
export function cannotCompare(): SessionError {
  return new SessionError(
    "SESSION_UNSUPPORTED",
    "update needs a store on a server: with cookieStore() of two requests at once the last answer wins",
  );
}

/** A change of a session in a cookie when there can be no cookie any more. */
export function sentAlready(): SessionError {
  return new SessionError(
    "SESSION_UNSUPPORTED",
    "the session was changed after the head of the answer was sent, and a session in a cookie is stored nowhere else",
  );
}

/** A field that was taken for a property of the session. */
export function fieldIsNoProperty(name: string, use: "get" | "set"): SessionError {
  const meant =
    use === "get"
      ? `await session.get(${JSON.stringify(name)})`
      : `session.set(${JSON.stringify(name)}, value)`;
  return new SessionError(
    "SESSION_NOT_LOADED",
    `session.${name} is not there: \`${meant}\`, or createSessions({ load: "eager" }) for fields as properties`,
  );
}

export function sessionNotLoaded(): SessionError {
  return new SessionError(
    "SESSION_NOT_LOADED",
    'the session is not loaded: `await session.load()` first, or createSessions({ load: "eager" })',
  );
}
