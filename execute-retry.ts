/**
 * What may be done about a statement that failed outside of a transaction.
 *
 * The rule that all others follow: **a write is repeated only when it provably did not run.** A socket
 * that dies after the statement was sent leaves two possibilities that nobody can tell apart from
 * here, so the caller is told exactly that. A read changes nothing and may run as often as there are
 * servers, but not once its rows have been handed out, because the caller would see some of them twice.
 *
 * Two failures say that the statement is on the wrong server and ran on none: a standby's refusal
 * (25006 and its kin), and a connection that could not be had. They are safe for writes too.
 */

import {
  isCheckoutTimeout,
  isConnectionClass,
  isReadOnlyError,
  isRecoveryConflict,
  provablyNotRun,
} from "./connection-class.ts";

/** What failed, and how far it had got. */
export interface Failure {
  readonly error: unknown;
  /** Whether the statement was given to a connection. */
  readonly sent: boolean;
  /** Whether it was classed a read. */
  readonly read: boolean;
  /** Whether the server was chosen as the primary. */
  readonly onPrimary: boolean;
  /** Whether the application asked for a replica by name: then it wants no other server. */
  readonly asked: boolean;
  /** Whether its rows go to the caller as they come. */
  readonly streaming: boolean;
}

export type Remedy =
  /** Give the error to the caller. */
  | "give-up"
  /** Tell the caller that nobody knows whether it ran. */
  | "outcome-unknown"
  /** A read: another server may answer it. */
  | "elsewhere"
  /** The standby refused it: it is a write after all. */
  | "it-writes"
  /** The primary is not there, or is none any more: wait for the next one. */
  | "next-primary";

/** Decides by shape and phase alone. */
export function remedyFor(failure: Failure): Remedy {
  const { error, sent, read, onPrimary, asked, streaming } = failure;
  if (streaming && sent) return "give-up";
  if (isReadOnlyError(error)) return afterRefusal(onPrimary, asked);
  const lost = isConnectionClass(error);
  if (read) {
    const another = lost || isRecoveryConflict(error) || (isCheckoutTimeout(error) && !onPrimary);
    return another ? "elsewhere" : "give-up";
  }
  if (!lost) return "give-up";
  return sent && !provablyNotRun(error) ? "outcome-unknown" : "next-primary";
}

function afterRefusal(onPrimary: boolean, asked: boolean): Remedy {
  if (onPrimary) return "next-primary";
  return asked ? "give-up" : "it-writes";
}
