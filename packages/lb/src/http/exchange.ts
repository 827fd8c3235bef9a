/**
 * One request of the caller, with all its attempts.
 *
 *     open ──an answer worth passing on──▶ answering ──its end──▶ over
 *      │ ▲ └─ an attempt failed: another one, elsewhere
 *      └─┴────────── no further attempt, abort, total timeout ──▶ over
 *
 * The caller sees one request: one start, interim answers, one answer with its body, one end or one
 * error. What it does (abort, pause, resume) holds for whichever attempt is under way.
 *
 * - **Answering is final.** From the first header that the caller got, nothing is tried again: a body
 *   that breaks off is an error for the caller and a failure of the target.
 * - **A failed answer is not lost.** It is read past only when another attempt has a target. Where
 *   that is not known yet, because the target asked to wait or there is no room, it is held, paused; if
 *   nothing comes of the other attempt, the caller gets it as it is.
 * - What is under way, one attempt or two, is in `under-way`; where the next goes, in `next-target`.
 *
 * Without a failure no timer is set and nothing is allocated but a handful of small objects.
 */

import type { Duplex } from "node:stream";
import type { Timer } from "@headroom/core/clock";
import { errors } from "undici";
import type { Lease } from "../lease.ts";
import { ABANDONED, FAILED, type Outcome, SUCCESS } from "../outcome.ts";
import type { Answer, Attempt, AttemptOwner } from "./attempt.ts";
import type { Caller, RawHeaders } from "./caller.ts";
import { type AttemptFailure, statusFailure } from "./classify.ts";
import { exchangeError, timeoutError } from "./exchange-error.ts";
import type { ExchangeTrace } from "./exchange-trace.ts";
import type { HttpTarget } from "./http-target.ts";
import { type ExchangeHost, NextTarget, type TargetSeeker } from "./next-target.ts";
import { refusalError } from "./refusal.ts";
import { RequestSource } from "./request-source.ts";
import { refuseRequestTarget } from "./request-target.ts";
import type { RoutingDispatchOptions } from "./routing.ts";
import { RequestContext, UnderWay } from "./under-way.ts";
import { judgeAnswer, judgeError } from "./verdict.ts";

/** A failed answer of which it is not known yet whether it will be wanted. */
interface Held {
  readonly attempt: Attempt;
  readonly answer: Answer;
  /** It ended while it was held: it has no body. */
  trailers?: RawHeaders | object;
  /** It broke off while it was held. */
  error?: Error;
}

export class Exchange implements AttemptOwner, TargetSeeker {
  readonly context: RequestContext = new RequestContext();
  /** Set while telemetry listens. */
  trace: ExchangeTrace | undefined;
  readonly #host: ExchangeHost;
  readonly #caller: Caller;
  readonly #source: RequestSource;
  readonly #next: NextTarget;
  readonly #underWay: UnderWay;
  #state: "open" | "answering" | "over" = "open";
  #held: Held | undefined;
  /** How the last attempt failed, when it was without an answer. */
  #failure: Error | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #totalTimer: Timer | undefined;

  constructor(host: ExchangeHost, options: RoutingDispatchOptions, caller: Caller) {
    this.#host = host;
    this.#caller = caller;
    this.#source = new RequestSource(options, host.rules.maxAttempts);
    this.#next = new NextTarget(host, this.#source, this);
    this.#underWay = new UnderWay(host, this.#source, this.#next, this.context, this);
  }

  /** As `Dispatcher.dispatch`: `false` when more of them would only wait. */
  start(): boolean {
    try {
      this.#caller.onConnect(this.#abort, this.context);
    } catch (error) {
      this.#fail(error as Error);
    }
    if (this.#state === "over" || this.#isRefused()) return true;
    this.#armTotal();
    if (!this.#host.hasRoom) {
      this.#next.wait(0);
      return false;
    }
    let lease: Lease<HttpTarget>;
    try {
      lease = this.#next.first();
    } catch (error) {
      this.#fail(error as Error);
      return true;
    }
    return this.#underWay.send(lease);
  }

  /** A path that is an address: the request would still go to a target, but ask it for another server. */
  #isRefused(): boolean {
    const { method, path } = this.#source.options;
    if (method === "CONNECT" || typeof path !== "string") return false;
    const refusal = refuseRequestTarget(method, path);
    if (refusal === undefined) return false;
    this.#fail(refusalError(refusal, { pool: this.#host.rules.name }));
    return true;
  }

  // What the search for a target tells.

  get attempts(): number {
    return this.context.attempts;
  }

  remainingMs(): number {
    if (this.#dueMs === Number.POSITIVE_INFINITY) return this.#dueMs;
    return this.#dueMs - this.#host.rules.clock.monotonicNow();
  }

  found(lease: Lease<HttpTarget>): void {
    if (this.#state === "over" || !this.#source.isReplayable) {
      this.#host.giveBack(lease, ABANDONED);
      this.stuck(this.#source.error);
      return;
    }
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) {
      held.attempt.drop();
      held.answer.resume();
    }
    this.#underWay.send(lease);
  }

  stuck(error: Error): void {
    if (this.#state === "over") return;
    const held = this.#held;
    const { destroyedBy } = this.#host;
    if (held === undefined || held.error !== undefined || destroyedBy !== undefined) {
      this.#fail(destroyedBy ?? held?.error ?? this.#failure ?? error);
      return;
    }
    this.#held = undefined;
    this.#underWay.main = held.attempt;
    try {
      const goesOn = this.#passOn(held.attempt, held.answer);
      if (held.trailers !== undefined) this.completed(held.attempt, held.trailers);
      else if (goesOn) held.answer.resume();
    } catch (thrown) {
      this.callerThrew(thrown as Error);
    }
  }

  // What the attempts tell.

  get sending(): Pick<Caller, "onBodySent" | "onRequestSent" | "onResponseStarted"> {
    return this.#caller;
  }

  get mayResend(): boolean {
    return this.#source.isHedgeable;
  }

  giveBack(lease: Lease<HttpTarget>, outcome: Outcome, latencyMs?: number): void {
    this.#host.giveBack(lease, outcome, latencyMs);
  }

  informed(attempt: Attempt, { statusCode, headers, statusText }: Answer): void {
    if (attempt !== this.#underWay.main || this.#state !== "open") return;
    this.#caller.onHeaders(statusCode, headers, noResume, statusText);
  }

  answered(attempt: Attempt, answer: Answer): boolean {
    attempt.timer?.cancel();
    attempt.latencyMs = this.#host.rules.clock.monotonicNow() - attempt.startedMs;
    const outcome = judgeAnswer(this.#host.rules, answer);
    attempt.outcome = outcome;
    if (outcome.type === "success") {
      // Not every request earns a retry: when nothing succeeds, a retry is not worth its load.
      this.#host.rules.budget.deposit();
      this.#underWay.measured(attempt);
      return this.#passOn(attempt, answer);
    }
    if (this.#underWay.givesWay(attempt)) {
      attempt.release(outcome);
      attempt.drop();
      return true;
    }
    const again = this.#again(attempt, statusFailure(outcome));
    if (again === "never") return this.#passOn(attempt, answer);
    if (again === "later") this.#held = { attempt, answer };
    else attempt.drop();
    return again === "now";
  }

  upgraded(attempt: Attempt, statusCode: number, headers: RawHeaders, socket: Duplex): void {
    attempt.timer?.cancel();
    attempt.latencyMs = this.#host.rules.clock.monotonicNow() - attempt.startedMs;
    const outcome = judgeAnswer(this.#host.rules, { statusCode, headers });
    this.#wins(attempt);
    if (socket.closed) attempt.release(outcome);
    else socket.once("close", () => attempt.release(outcome));
    this.#settle(statusCode);
    this.#caller.onUpgrade(statusCode, headers, socket);
  }

  received(chunk: Buffer): boolean {
    return this.#caller.onData(chunk) !== false;
  }

  completed(attempt: Attempt, trailers: RawHeaders | object): void {
    if (this.#held?.attempt === attempt) {
      this.#held.trailers = trailers;
      return;
    }
    attempt.release(attempt.outcome ?? SUCCESS);
    this.#settle(attempt.statusCode);
    this.#caller.onComplete(trailers);
  }

  failed(attempt: Attempt, error: Error): void {
    if (this.#state === "over") return;
    const facts = { requestStarted: attempt.wasSent, answerStarted: attempt.answerStarted };
    const isOwn = this.#source.isOwn(error);
    const failure = judgeError(this.#host.rules, error, isOwn, facts);
    const told = exchangeError(error, failure.reason, this.#underWay.described(attempt));
    if (failure.reason === "timeout" && attempt.statusCode === 0) this.#underWay.measured(attempt);
    if (this.#held?.attempt === attempt) {
      this.#held.error = told;
      return;
    }
    const isOpen = this.#state === "open" && this.#host.destroyedBy === undefined;
    if (isOpen && this.#underWay.givesWay(attempt)) {
      attempt.release(failure.outcome, error);
      return;
    }
    if (isOpen && this.#again(attempt, failure) !== "never") {
      this.#failure = told;
      return;
    }
    attempt.release(failure.outcome, error);
    this.#fail(this.#host.destroyedBy ?? told);
  }

  callerThrew(error: Error): void {
    if (this.#state === "over") this.#caller.onError(error);
    else this.#fail(error);
  }

  #again(attempt: Attempt, failure: AttemptFailure): "now" | "later" | "never" {
    const again = this.#next.after(attempt, failure);
    if (again !== "never") this.#underWay.clear();
    return again;
  }

  #wins(attempt: Attempt): void {
    this.#state = "answering";
    this.#underWay.wins(attempt);
    this.#source.options.routing?.onAnswer?.(attempt.lease.id);
  }

  #passOn(attempt: Attempt, { statusCode, headers, resume, statusText }: Answer): boolean {
    this.#wins(attempt);
    return this.#caller.onHeaders(statusCode, headers, resume, statusText) !== false;
  }

  // Ends.

  /** Given to the caller. */
  readonly #abort = (reason?: Error | null): void =>
    this.#fail(reason ?? new errors.RequestAbortedError());

  #fail(error: Error, outcome: Outcome = ABANDONED): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#underWay.cancel(outcome, error);
    this.#held?.attempt.cancel(ABANDONED, error);
    this.#next.cancel(error);
    this.#settle(this.#underWay.main?.statusCode, error);
    this.#caller.onError(error);
  }

  #settle(statusCode: number | undefined, error?: Error): void {
    this.#state = "over";
    this.#totalTimer?.cancel();
    this.#underWay.settle();
    this.#source.release(error);
    this.trace?.over(this.context, statusCode, error);
  }

  #armTotal(): void {
    const { clock, totalTimeoutMs } = this.#host.rules;
    if (totalTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#dueMs = clock.monotonicNow() + totalTimeoutMs;
    this.#totalTimer = clock.timer(() => this.#totalTimedOut(), totalTimeoutMs);
  }

  /** An attempt that had all the time is to blame for it; one that came late, or answers, is not. */
  #totalTimedOut(): void {
    const error = timeoutError(
      "totalTimeoutMs",
      this.#host.rules.totalTimeoutMs,
      this.#underWay.described(),
    );
    const isToBlame = this.context.attempts === 1 && this.#underWay.main?.answerStarted === false;
    this.#fail(error, isToBlame ? FAILED : ABANDONED);
  }
}

function noResume(): void {}
