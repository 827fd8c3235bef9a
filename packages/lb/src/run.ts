/**
 * One piece of work, at one target after the other until it succeeds.
 *
 * Each attempt is at a target that has not been tried. There is another one only if that does no harm:
 * when the work certainly did not begin (the target refused), or when its caller says that doing
 * it twice is as good as once (`idempotent`) and the budget, shared by all runs of the balancer,
 * allows it. Such work may also be *hedged*: when an attempt takes longer than nearly all others did,
 * a second one starts beside it; who succeeds first wins and the other is aborted.
 */

import { type LbRetry, lbRetry } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { isHeadroomError } from "@headroom/core/errors";
import type { RetryBudget } from "@headroom/core/retry-budget";
import type { Key } from "@headroom/hashing";
import type { Balancer } from "./balancer.ts";
import type { Hedging } from "./hedge.ts";
import type { Lease } from "./lease.ts";
import { ABANDONED, FAILED, type Outcome, REFUSED, SUCCESS } from "./outcome.ts";
import type { Candidate } from "./policy.ts";

/** What the work is told. */
export interface WorkAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts when the caller gives up, the time is over, or another attempt has won. */
  readonly signal: AbortSignal;
}

export type Work<T, Result> = (target: T, attempt: WorkAttempt) => Result | PromiseLike<Result>;

export interface RunOptions {
  readonly key?: Key | undefined;
  readonly prefer?: string | undefined;
  /** Doing it twice is as good as doing it once. @default false */
  readonly idempotent?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** All attempts together, in milliseconds. @default Infinity */
  readonly timeoutMs?: number | undefined;
  /** One attempt, in milliseconds. @default Infinity */
  readonly perTryTimeoutMs?: number | undefined;
}

export interface RunRules {
  readonly name: string;
  readonly attempts: number;
  readonly budget: RetryBudget;
  readonly hedging: Hedging | undefined;
  readonly classify: (error: unknown) => Outcome;
  readonly clock: Clock;
}

/** How one attempt ended. */
type Tried<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: unknown; readonly outcome: Outcome; readonly id: string };

export async function run<T, Result>(
  balancer: Balancer<T>,
  rules: RunRules,
  work: Work<T, Result>,
  options: RunOptions,
): Promise<Result> {
  const limits = {
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    what: `the work of load balancer "${rules.name}"`,
    clock: rules.clock,
  };
  return withDeadline(limits, (signal) => new Run(balancer, rules, work, options, signal).result());
}

class Run<T, Result> {
  readonly #balancer: Balancer<T>;
  readonly #rules: RunRules;
  readonly #work: Work<T, Result>;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #tried = new Set<Candidate>();
  #attempts = 0;
  #refused = 0;

  constructor(
    balancer: Balancer<T>,
    rules: RunRules,
    work: Work<T, Result>,
    options: RunOptions,
    signal: AbortSignal,
  ) {
    this.#balancer = balancer;
    this.#rules = rules;
    this.#work = work;
    this.#options = options;
    this.#signal = signal;
  }

  async result(): Promise<Result> {
    this.#rules.hedging?.deposit();
    let failed: Extract<Tried<Result>, { ok: false }> | undefined;
    for (;;) {
      const lease = await this.#lease(failed);
      const tried = await this.#tryHedged(lease);
      if (tried.ok) return tried.result;
      this.#signal.throwIfAborted();
      failed = tried;
      const decision = this.#decide(failed.outcome);
      this.#publish(failed.id, decision);
      if (decision !== "retried") throw failed.error;
    }
  }

  /** A target not tried yet; when there is none, the run fails as its last attempt did. */
  async #lease(failed: { readonly error: unknown } | undefined): Promise<Lease<T>> {
    const { key, prefer, idempotent } = this.#options;
    try {
      return await this.#balancer.acquire({
        key,
        prefer,
        exclude: this.#tried,
        repeatable: idempotent,
        again: failed !== undefined,
        signal: this.#signal,
      });
    } catch (error) {
      if (failed !== undefined && isHeadroomError(error, "LB_NO_TARGET")) throw failed.error;
      throw error;
    }
  }

  #decide(outcome: Outcome): LbRetry["decision"] {
    // The target has done its part; what failed would fail elsewhere too.
    if (outcome.type === "success") return "not-repeatable";
    const wasNotSent = outcome.type === "failure" && outcome.kind === "refused";
    if (!wasNotSent && this.#options.idempotent !== true) return "not-repeatable";
    const { attempts, budget } = this.#rules;
    // It took no time and no target noticed: as long as one lives, the work finds it.
    if (wasNotSent && attempts > 1) {
      this.#refused++;
      return "retried";
    }
    if (this.#attempts - this.#refused >= attempts) return "attempts-exhausted";
    return budget.tryWithdraw() ? "retried" : "budget-exhausted";
  }

  async #tryHedged(lease: Lease<T>): Promise<Tried<Result>> {
    const { hedging, clock } = this.#rules;
    const mayHedge = this.#options.idempotent === true && !this.#balancer.isPanicking;
    const delayMs = mayHedge ? hedging?.delayMs(clock.monotonicNow()) : undefined;
    if (delayMs === undefined) return this.#try(lease, this.#signal);

    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    try {
      const first = this.#try(lease, signal);
      const isSlow = await Promise.race([
        first.then(() => false),
        clock.sleep(delayMs, { signal }).then(
          () => true,
          () => false,
        ),
      ]);
      const second = isSlow ? this.#startHedge(lease.id, signal) : undefined;
      return await (second === undefined ? first : firstSuccess(first, second));
    } finally {
      stop.abort(new DOMException("another attempt has won", "AbortError"));
    }
  }

  /** A second attempt at another target, if there is one at once and the budget allows it. */
  #startHedge(slowId: string, signal: AbortSignal): Promise<Tried<Result>> | undefined {
    if (!this.#rules.hedging?.tryWithdraw()) return undefined;
    try {
      const { key } = this.#options;
      const lease = this.#balancer.pick({ key, exclude: this.#tried });
      this.#publish(slowId, "hedged");
      return this.#try(lease, signal);
    } catch {
      // No room or no other target: the one that is slow is still under way.
      return undefined;
    }
  }

  /** One attempt. Never rejects; gives the lease back. */
  async #try(lease: Lease<T>, signal: AbortSignal): Promise<Tried<Result>> {
    this.#tried.add(lease.candidate);
    const attempt = ++this.#attempts;
    const { clock, classify, hedging } = this.#rules;
    const startedMs = clock.monotonicNow();
    try {
      const result = await withDeadline(
        { timeoutMs: this.#options.perTryTimeoutMs, signal, what: `target ${lease.id}`, clock },
        (trySignal) => this.#work(lease.target, { attempt, signal: trySignal }),
      );
      lease.done(SUCCESS);
      this.#rules.budget.deposit();
      const nowMs = clock.monotonicNow();
      hedging?.record(nowMs - startedMs, nowMs);
      return { ok: true, result };
    } catch (error) {
      const outcome = signal.aborted ? ABANDONED : classify(error);
      lease.done(outcome);
      if (signal.aborted && !this.#signal.aborted) {
        // It has lost against a hedge: it was slower than this.
        const nowMs = clock.monotonicNow();
        hedging?.record(nowMs - startedMs, nowMs);
      }
      return { ok: false, error, outcome, id: lease.id };
    }
  }

  #publish(backend: string, decision: LbRetry["decision"]): void {
    const { name, clock } = this.#rules;
    lbRetry.publish(() => ({ pool: name, backend, decision, atMs: clock.now() }));
  }
}

/** The first that succeeds, or when both fail, the later one. */
async function firstSuccess<Result>(
  one: Promise<Tried<Result>>,
  other: Promise<Tried<Result>>,
): Promise<Tried<Result>> {
  const first = await Promise.race([
    one.then((tried) => ({ tried, rest: other })),
    other.then((tried) => ({ tried, rest: one })),
  ]);
  return first.tried.ok ? first.tried : first.rest;
}

/** Codes of a target that certainly has not got what was to be sent. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
]);

/** What an error says about its target, when nobody knows better. */
export function classifyAnyError(error: unknown): Outcome {
  const code =
    typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return REFUSALS.has(code) ? REFUSED : FAILED;
}
