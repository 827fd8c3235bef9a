/**
 * One request at one target: what undici tells about it, and the lease that it holds.
 *
 *     waiting ──connected──▶ sent ──headers──▶ chosen ──────────────▶ over
 *        │                    │                └─▶ dropped ─drained─▶ over
 *        └────cancelled───────┴──────────────────────────────────────▶ over
 *
 * It passes events on to its owner, the exchange, which decides. Four things are settled here:
 *
 * - **The lease is given back once**, whatever ends the attempt: the end of the body, an error, an
 *   abort, the close of an upgraded socket.
 * - **An attempt that is over is silent.** undici cannot be told to forget a request that waits for a
 *   connection; when its turn comes it is refused, before anything is written, and the connection
 *   stays whole.
 * - **A dropped answer is read to its end**, so that its connection can be used again, but only if it
 *   is short; otherwise its connection is closed.
 * - **What the caller's handler throws is no failure of the target.** It ends the request, as it does
 *   in undici.
 */

import type { Duplex } from "node:stream";
import type { Timer } from "@headroom/core/clock";
import { errors } from "undici";
import type { Lease } from "../lease.ts";
import { ABANDONED, type Outcome } from "../outcome.ts";
import type { Caller, RawHeaders } from "./caller.ts";
import type { AttemptHandler, HttpTarget } from "./http-target.ts";

/** Who an attempt belongs to. What its methods throw, the caller's handler threw. */
export interface AttemptOwner {
  /** An interim answer (1xx). */
  informed(attempt: Attempt, answer: Answer): void;
  /** The headers of the answer; `false` pauses its body. */
  answered(attempt: Attempt, answer: Answer): boolean;
  upgraded(attempt: Attempt, statusCode: number, headers: RawHeaders, socket: Duplex): void;
  /** A piece of the chosen answer; `false` pauses it. */
  received(chunk: Buffer): boolean;
  completed(attempt: Attempt, trailers: RawHeaders | object): void;
  failed(attempt: Attempt, error: Error): void;
  callerThrew(error: Error): void;
  giveBack(lease: Lease<HttpTarget>, outcome: Outcome, latencyMs?: number): void;
  /** Whether undici may send it once more by itself, as long as there is no answer. */
  readonly mayResend: boolean;
  /** The older handlers' optional events of sending. */
  readonly sending: Pick<Caller, "onBodySent" | "onRequestSent" | "onResponseStarted">;
}

/** The headers of an answer, and how to go on reading it. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: RawHeaders;
  readonly statusText: string;
  readonly resume: () => void;
}

/** Is told of the end of an attempt while telemetry listens. */
export interface AttemptTrace {
  over(outcome: Outcome, statusCode: number, error: unknown): void;
}

/** Of a dropped answer so much is read; then closing its connection is cheaper. */
const DRAINED_BYTES = 65_536;

/** What undici is told of an attempt that is over before it was sent. Nobody else sees it. */
const GIVEN_UP = new Error("given up before it was sent");

/**
 * With pipelining, a request that is given up takes its connection along; undici then sends again,
 * on another one, all others that were under way there, even one whose answer has begun. That is
 * stopped where it would do harm. It is no failure of the target, nor of the request.
 */
const CONNECTION_LOST = "its connection was closed because another request on it was given up";

export class Attempt implements AttemptHandler {
  readonly lease: Lease<HttpTarget>;
  /** On a monotonic clock. */
  readonly startedMs: number;
  /** Nothing of it is passed on any more. */
  isOver = false;
  /** Bytes of the request may have left. */
  wasSent = false;
  /** Bytes of an answer have come. */
  answerStarted = false;
  /** 0 before the answer. */
  statusCode = 0;
  /** How long it took to answer; unknown before that. */
  latencyMs: number | undefined;
  /** What the answer says about the target. */
  outcome: Outcome | undefined;
  timer: Timer | undefined;
  trace: AttemptTrace | undefined;
  readonly #owner: AttemptOwner;
  #isReleased = false;
  #abort: ((error: Error) => void) | undefined;
  /** Bytes that may still be read of a dropped answer; -1 while it is not dropped. */
  #drain = -1;

  constructor(owner: AttemptOwner, lease: Lease<HttpTarget>, startedMs: number) {
    this.#owner = owner;
    this.lease = lease;
    this.startedMs = startedMs;
  }

  /** Gives the lease back. The first call counts. */
  release(outcome: Outcome, error?: Error): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.timer?.cancel();
    this.#owner.giveBack(this.lease, outcome, this.latencyMs);
    this.trace?.over(outcome, this.statusCode, error);
  }

  /** Ends it at once, and closes its connection if anything was sent. */
  cancel(outcome: Outcome, reason: Error): void {
    if (this.isOver) return;
    this.stop(reason);
    this.release(outcome, reason);
  }

  /** As {@link cancel}, but keeps the lease. */
  stop(reason: Error): void {
    this.isOver = true;
    this.timer?.cancel();
    this.#abort?.(reason);
  }

  /** Its answer is not wanted: another attempt is made. The lease was given back. */
  drop(): void {
    this.#drain = DRAINED_BYTES;
  }

  // What undici tells.

  /** May come again: see {@link CONNECTION_LOST}. What it throws, undici tells `onError`. */
  onConnect(abort: (error?: Error) => void): void {
    if (this.isOver || this.#drain >= 0) throw GIVEN_UP;
    const mayBeSent = !this.wasSent || (!this.answerStarted && this.#owner.mayResend);
    if (!mayBeSent) throw new errors.ClientDestroyedError(CONNECTION_LOST);
    this.#abort = abort;
    this.wasSent = true;
  }

  onBodySent(chunk: unknown): void {
    // undici's type says numbers; it is the chunk.
    if (!this.isOver) this.#owner.sending.onBodySent?.(chunk as Buffer);
  }

  onRequestSent(): void {
    if (!this.isOver) this.#owner.sending.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.answerStarted = true;
    if (!this.isOver) this.#owner.sending.onResponseStarted?.();
  }

  onHeaders(
    statusCode: number,
    headers: RawHeaders,
    resume: () => void,
    statusText: string,
  ): boolean {
    if (this.isOver) return true;
    this.answerStarted = true;
    const answer = { statusCode, headers, resume, statusText };
    try {
      if (statusCode >= 200) {
        this.statusCode = statusCode;
        return this.#owner.answered(this, answer);
      }
      this.#owner.informed(this, answer);
      return true;
    } catch (error) {
      this.#rethrow(error as Error);
    }
  }

  onData(chunk: Buffer): boolean {
    if (this.isOver) return true;
    if (this.#drain < 0) {
      try {
        return this.#owner.received(chunk);
      } catch (error) {
        this.#rethrow(error as Error);
      }
    }
    this.#drain -= chunk.length;
    if (this.#drain < 0) this.stop(new Error("a dropped answer was too long to be read"));
    return true;
  }

  onComplete(trailers: RawHeaders | string[] | object | null): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.#drain >= 0) return;
    try {
      this.#owner.completed(this, trailers ?? []);
    } catch (error) {
      this.#rethrow(error as Error);
    }
  }

  onUpgrade(statusCode: number, headers: Buffer[] | string[] | null, socket: Duplex): void {
    if (this.isOver) {
      socket.destroy();
      return;
    }
    this.isOver = true;
    this.answerStarted = true;
    this.statusCode = statusCode;
    try {
      // Names and values are buffers, also over HTTP/2; the type is wider for undici's own use.
      this.#owner.upgraded(this, statusCode, (headers ?? []) as Buffer[], socket);
    } catch (error) {
      this.#rethrow(error as Error);
    }
  }

  onError(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.#drain < 0) this.#owner.failed(this, error);
  }

  /** undici closes the connection for what is thrown. */
  #rethrow(error: Error): never {
    this.isOver = true;
    this.release(ABANDONED, error);
    this.#owner.callerThrew(error);
    throw error;
  }
}
