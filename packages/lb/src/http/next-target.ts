/**
 * Where the next attempt of a request goes, and whether there is one.
 *
 * `retry-rules` says whether a request may be sent again. What is added here takes state:
 *
 * - **Not where it failed.** Targets that were tried are excluded. The one exception is the free
 *   retry of a kept connection that was found closed: the target is as good as before.
 * - **A target first, then the budget.** A retry that finds no target must not use up what another
 *   could live on.
 * - **Waiting.** A target may ask to be left alone (`Retry-After`); the wait is cut to a maximum, and
 *   is not begun if the request's total time would be over by then. And there may be no room at the
 *   moment, or, at the first attempt, no known target.
 */

import { type LbRetry, lbRetry } from "@headroom/core/channels";
import type { Key } from "@headroom/hashing";
import type { AcquireOptions, PickOptions } from "../balancer.ts";
import type { Lease } from "../lease.ts";
import { ABANDONED, type Outcome } from "../outcome.ts";
import type { Candidate } from "../policy.ts";
import type { Attempt } from "./attempt.ts";
import type { AttemptFailure } from "./classify.ts";
import type { HttpTarget } from "./http-target.ts";
import type { ExchangeRules } from "./load-balancer-options.ts";
import type { RequestSource } from "./request-source.ts";
import { decideRetry } from "./retry-rules.ts";

/** Where the leases come from, and who ends exchanges that wait when all is over. */
export interface ExchangeHost {
  readonly rules: ExchangeRules;
  /** Whether `pick` may be tried now; otherwise `acquire` waits for room, or for the first targets. */
  readonly hasRoom: boolean;
  readonly isPanicking: boolean;
  /** Set when everything is being destroyed: nothing is tried again. */
  readonly destroyedBy: Error | undefined;
  /** @throws LbError */
  pick(options: PickOptions): Lease<HttpTarget>;
  /** @throws LbError; `signal.reason`. */
  acquire(options: AcquireOptions): Promise<Lease<HttpTarget>>;
  giveBack(lease: Lease<HttpTarget>, outcome: Outcome, latencyMs?: number): void;
  /** One waits, for room or for a time: nobody else holds on to it. */
  waits(waiting: Waiting): void;
  waitsNoMore(waiting: Waiting): void;
}

export interface Waiting {
  /** Ends the waiting, which fails with `reason`. */
  abort(reason: Error): void;
}

/** Who wants another target. */
export interface TargetSeeker {
  /** How many attempts there were. */
  readonly attempts: number;
  /** Of the time allowed for all attempts; Infinity when that is not limited. */
  remainingMs(): number;
  /** There is one. Whoever has lost interest gives it back. */
  found(lease: Lease<HttpTarget>): void;
  /** There is none, after a wait. */
  stuck(error: Error): void;
}

/**
 * `now`: another attempt follows. `later`: perhaps, `found` or `stuck` will tell. `never`: the failure
 * stands.
 */
export type Again = "now" | "later" | "never";

export class NextTarget {
  readonly #host: ExchangeHost;
  readonly #source: RequestSource;
  readonly #seeker: TargetSeeker;
  #tried: Set<Candidate> | undefined;
  #freeRetryUsed = false;
  #refused = 0;
  #waiting: AbortController | undefined;
  /** Failed, and its retry waits. */
  #failedId: string | undefined;

  constructor(host: ExchangeHost, source: RequestSource, seeker: TargetSeeker) {
    this.#host = host;
    this.#source = source;
    this.#seeker = seeker;
  }

  /** The first one, at once. @throws LbError */
  first(): Lease<HttpTarget> {
    return this.#host.pick(this.#options());
  }

  /** After the failure of `attempt`, whose lease is given back unless the answer is `never`. */
  after(attempt: Attempt, failure: AttemptFailure): Again {
    if (attempt.wasSent) this.#source.sent();
    const { maxAttempts } = this.#host.rules;
    if (failure.reason === "refused" && maxAttempts > 1) this.#refused++;
    const decision = decideRetry(failure, {
      // Settled already: `source` also heeds undici's option `idempotent`.
      method: this.#source.isRepeatable ? "GET" : "POST",
      hasIdempotencyKey: false,
      bodyReplayable: this.#source.isReplayable,
      answerBegun: false,
      attempts: this.#seeker.attempts - this.#refused,
      maxAttempts,
      freeRetryUsed: this.#freeRetryUsed,
    });
    if (!decision.retry) return this.#never(attempt, failure, decision.reason);
    if (!decision.free) this.#exclude(attempt);
    const outcome = decision.free ? ABANDONED : failure.outcome;
    this.#freeRetryUsed ||= decision.free;
    const waitMs = this.#waitMs(failure);
    if (waitMs >= this.#seeker.remainingMs()) {
      return this.#never(attempt, failure, "no-time-left");
    }
    const { budget } = this.#host.rules;
    if (waitMs === 0 && this.#host.hasRoom) {
      const lease = this.#another();
      if (lease === undefined) return this.#never(attempt, failure, "no-other-target");
      if (decision.withdraw && !budget.tryWithdraw()) {
        this.#host.giveBack(lease, ABANDONED);
        return this.#never(attempt, failure, "budget-exhausted");
      }
      attempt.release(outcome);
      this.#publish(attempt.lease.id, "retried");
      // undici may be in the middle of the end of a connection, perhaps one of the same pool.
      queueMicrotask(() => this.#seeker.found(lease));
      return "now";
    }
    if (decision.withdraw && !budget.tryWithdraw()) {
      return this.#never(attempt, failure, "budget-exhausted");
    }
    attempt.release(outcome);
    this.#failedId = attempt.lease.id;
    this.wait(waitMs);
    return "later";
  }

  /** For a second attempt beside `slow`, if there is one at once and the hedging's budget allows it. */
  beside(slow: Attempt): Lease<HttpTarget> | undefined {
    const { hedging } = this.#host.rules;
    if (hedging === undefined || !this.#host.hasRoom || this.#host.isPanicking) return undefined;
    this.#exclude(slow);
    const lease = this.#another();
    if (lease === undefined) return undefined;
    if (hedging.tryWithdraw()) {
      this.#publish(slow.lease.id, "hedged");
      return lease;
    }
    this.#host.giveBack(lease, ABANDONED);
    return undefined;
  }

  /** Waits so long, then until there is room and a target is known; the seeker is told. */
  wait(waitMs: number): void {
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#host.waits(waiting);
    void this.#acquire(waitMs, waiting.signal).then(
      (lease) => {
        this.#host.waitsNoMore(waiting);
        if (this.#failedId !== undefined) this.#publish(this.#failedId, "retried");
        this.#seeker.found(lease);
      },
      (error: Error) => {
        this.#host.waitsNoMore(waiting);
        if (this.#failedId !== undefined) this.#publish(this.#failedId, "no-other-target");
        this.#seeker.stuck(error);
      },
    );
  }

  /** Waits no more: the request is over. */
  cancel(reason: Error): void {
    this.#waiting?.abort(reason);
  }

  async #acquire(waitMs: number, signal: AbortSignal): Promise<Lease<HttpTarget>> {
    if (waitMs > 0) await this.#host.rules.clock.sleep(waitMs, { signal });
    return this.#host.acquire({ ...this.#options(), signal });
  }

  #another(): Lease<HttpTarget> | undefined {
    try {
      return this.#host.pick(this.#options());
    } catch {
      // None that was not tried, or all is closed; what is told is the failure that came before.
      return undefined;
    }
  }

  #exclude(attempt: Attempt): void {
    this.#tried ??= new Set();
    this.#tried.add(attempt.lease.candidate);
  }

  #options(): PickOptions {
    const { routing } = this.#source.options;
    const isProbe = this.#source.isRepeatable && this.#source.isReplayable;
    if (routing === undefined && this.#tried === undefined) return isProbe ? REPEATABLE : ONCE;
    const key: Key | undefined = routing?.key;
    const again = this.#tried !== undefined;
    return { key, prefer: routing?.prefer, exclude: this.#tried, repeatable: isProbe, again };
  }

  #waitMs({ outcome }: AttemptFailure): number {
    const askedMs = "retryAfterMs" in outcome ? outcome.retryAfterMs : undefined;
    return Math.min(askedMs ?? 0, this.#host.rules.maxRetryAfterMs);
  }

  #never(attempt: Attempt, failure: AttemptFailure, decision: LbRetry["decision"]): "never" {
    if (failure.outcome.type === "failure") this.#publish(attempt.lease.id, decision);
    return "never";
  }

  #publish(backend: string, decision: LbRetry["decision"]): void {
    const { name, clock } = this.#host.rules;
    lbRetry.publish(() => ({ pool: name, backend, decision, atMs: clock.now() }));
  }
}

const REPEATABLE: PickOptions = { repeatable: true };
const ONCE: PickOptions = {};
