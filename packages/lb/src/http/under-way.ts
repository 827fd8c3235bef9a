/**
 * The attempts of one request that are under way: one, or two while it is hedged.
 *
 * A hedge is a second attempt beside a first one that is slow: slower than nearly all were lately
 * (`hedge`). The first answer that is no failure wins, and the other is let go, unblamed. While both
 * are under way, the failure of one is not even looked at.
 *
 * Each attempt may have a time limit, until its headers are there.
 */

import type { Timer } from "@headroom/core/clock";
import type { Lease } from "../lease.ts";
import { ABANDONED, type Outcome } from "../outcome.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { type FailedRequest, timeoutError } from "./exchange-error.ts";
import { traceAttempt } from "./exchange-trace.ts";
import type { HttpTarget } from "./http-target.ts";
import type { ExchangeHost, NextTarget } from "./next-target.ts";
import type { RequestSource } from "./request-source.ts";

/** What the application gets as undici's `context`: how the answer came about. */
export class RequestContext {
  /** The id of the target that answers, or was tried last. */
  target: string | undefined;
  /** How many attempts there were. */
  attempts = 0;
}

export class UnderWay {
  /** The attempt that answers, or, as long as none does, has been under way longest. */
  main: Attempt | undefined;
  #hedge: Attempt | undefined;
  #hedgeTimer: Timer | undefined;
  readonly #host: ExchangeHost;
  readonly #source: RequestSource;
  readonly #next: NextTarget;
  readonly #context: RequestContext;
  readonly #owner: AttemptOwner;

  constructor(
    host: ExchangeHost,
    source: RequestSource,
    next: NextTarget,
    context: RequestContext,
    owner: AttemptOwner,
  ) {
    this.#host = host;
    this.#source = source;
    this.#next = next;
    this.#context = context;
    this.#owner = owner;
  }

  /** Starts one. `false` when its target's connections are busy. */
  send(lease: Lease<HttpTarget>): boolean {
    const { clock, perTryTimeoutMs } = this.#host.rules;
    const context = this.#context;
    const attempt = new Attempt(this.#owner, lease, clock.monotonicNow());
    const isHedge = this.main !== undefined;
    context.attempts++;
    if (isHedge) this.#hedge = attempt;
    else {
      this.main = attempt;
      context.target = lease.id;
      this.#armHedge();
    }
    if (perTryTimeoutMs !== Number.POSITIVE_INFINITY) {
      attempt.timer = clock.timer(() => this.#timedOut(attempt), perTryTimeoutMs);
    }
    return traceAttempt(this.#host.rules, attempt, context.attempts, isHedge, this.#source.next());
  }

  /** Whether another attempt is still under way; then this one, which has failed, is forgotten. */
  givesWay(attempt: Attempt): boolean {
    if (this.#hedge === undefined) return false;
    if (attempt === this.main) this.main = this.#hedge;
    this.#hedge = undefined;
    return true;
  }

  /** The answer of this one is passed on; if there is another, it is let go. */
  wins(attempt: Attempt): void {
    this.#hedgeTimer?.cancel();
    this.#context.target = attempt.lease.id;
    const loser = attempt === this.main ? this.#hedge : this.main;
    this.main = attempt;
    this.#hedge = undefined;
    if (loser === undefined) return;
    this.measured(loser);
    loser.cancel(ABANDONED, new Error("another attempt was faster"));
  }

  /** The only one has failed, and another will be sent. */
  clear(): void {
    this.main = undefined;
    this.#hedgeTimer?.cancel();
  }

  /** Ends all. `outcome` is that of the main one. */
  cancel(outcome: Outcome, error: Error): void {
    this.main?.cancel(outcome, error);
    this.#hedge?.cancel(ABANDONED, error);
  }

  /** The request is over: there will be no hedge. */
  settle(): void {
    this.#hedgeTimer?.cancel();
  }

  /** Hedges go by how long an attempt took that answered, or so far one that did not. */
  measured(attempt: Attempt): void {
    const { hedging, clock } = this.#host.rules;
    if (hedging === undefined || !this.#source.isRepeatable) return;
    const nowMs = clock.monotonicNow();
    hedging.record(nowMs - attempt.startedMs, nowMs);
  }

  /** For errors. */
  described(attempt: Attempt | undefined = this.main): FailedRequest {
    const { target, attempts } = this.#context;
    return { pool: this.#host.rules.name, target: attempt?.lease.id ?? target, attempts };
  }

  #armHedge(): void {
    const { hedging, clock } = this.#host.rules;
    if (hedging === undefined || !this.#source.isRepeatable) return;
    if (this.#context.attempts === 1) hedging.deposit();
    const delayMs = hedging.delayMs(clock.monotonicNow());
    if (delayMs !== undefined) this.#hedgeTimer = clock.timer(() => this.#startHedge(), delayMs);
  }

  #startHedge(): void {
    const { main } = this;
    if (main === undefined || !this.#source.isHedgeable) return;
    const lease = this.#next.beside(main);
    if (lease !== undefined) this.send(lease);
  }

  #timedOut(attempt: Attempt): void {
    const { perTryTimeoutMs } = this.#host.rules;
    const error = timeoutError("perTryTimeoutMs", perTryTimeoutMs, this.described(attempt));
    attempt.stop(error);
    this.#owner.failed(attempt, error);
  }
}
