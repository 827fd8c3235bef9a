/**
 * How many retries a whole client may make.
 *
 * "At most three attempts" limits one request. When everything fails it lets every request be sent
 * three times, and triples the load of a server that fails *because* of its load. A budget limits
 * the retries together: each request deposits a fraction of a retry, each retry takes one whole.
 * With `retryRatio` 0.2 the extra load is at most 20 %, whatever the number of attempts allowed.
 *
 * A client that has just started, or sends little, could then never retry. So there is a reserve:
 * `minRetriesPerSecond` over the window, on top of what is deposited.
 *
 * Deposits and withdrawals both leave after `windowMs`. A quiet hour saves nothing up for a storm,
 * and a used reserve comes back. They leave in steps of a tenth, so for a moment the budget may be
 * stricter (a deposit left before the withdrawal that it paid for) or looser: a reserve used within
 * one step is whole again after nine tenths of the window, and may then be used twice in less than
 * one window. It limits a rate, not the retries of every single window.
 *
 * One budget is shared by all calls to one service, and only by them. It is per process: ten
 * processes have ten reserves.
 *
 * Source: Finagle `service/RetryBudget.scala` and its leaky token bucket (10 s, 10 per second,
 * 20 %); tower `retry/budget/tps_budget.rs`.
 */

import { type Clock, systemClock } from "./clock.ts";
import {
  requireClock,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
} from "./options.ts";
import { SlidingSum } from "./sliding-sum.ts";

/** How generous a {@link RetryBudget} is. */
export interface RetryBudgetOptions {
  /**
   * Retries earned by one request; 0.2 allows one retry for five requests, 2 allows two for one.
   * Counted to a millionth.
   * @default 0.2
   */
  readonly retryRatio?: number | undefined;
  /**
   * Retries per second that need no deposit; the whole window's worth may be used at once.
   * @default 10
   */
  readonly minRetriesPerSecond?: number | undefined;
  /**
   * How long deposits and withdrawals count, in milliseconds, in steps of a tenth.
   * @default 10_000
   */
  readonly windowMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Tokens are millionths of a retry: sums of integers are exact where sums of 0.1 are not. */
const TOKENS_PER_RETRY = 1_000_000;

/** A leaky token bucket shared by the calls to one service. */
export class RetryBudget {
  readonly #tokens: SlidingSum;
  readonly #depositTokens: number;
  readonly #reserveTokens: number;
  readonly #clock: Clock;

  /** @throws TypeError or RangeError when an option is unknown or negative. */
  constructor(options: RetryBudgetOptions = {}) {
    requireKnownOptions("RetryBudget", options, [
      "retryRatio",
      "minRetriesPerSecond",
      "windowMs",
      "clock",
    ]);
    const { retryRatio = 0.2, minRetriesPerSecond = 10, windowMs = 10_000 } = options;
    requireNonNegative("minRetriesPerSecond", minRetriesPerSecond);
    requirePositive("windowMs", windowMs);
    this.#tokens = new SlidingSum(windowMs);
    this.#depositTokens = Math.round(
      requireNonNegative("retryRatio", retryRatio) * TOKENS_PER_RETRY,
    );
    this.#reserveTokens = Math.round(minRetriesPerSecond * (windowMs / 1000) * TOKENS_PER_RETRY);
    this.#clock = requireClock("clock", options.clock ?? systemClock);
  }

  /** Counts a request. Once for each, not for its retries. */
  deposit(): void {
    this.#tokens.add(this.#depositTokens, this.#clock.monotonicNow());
  }

  /** Takes one retry if there is one; `false` leaves the budget as it was. */
  tryWithdraw(): boolean {
    const nowMs = this.#clock.monotonicNow();
    if (this.#balanceAt(nowMs) < 1) return false;
    this.#tokens.add(-TOKENS_PER_RETRY, nowMs);
    return true;
  }

  /** How many retries could be made now: a whole number, 0 or above. */
  get balance(): number {
    return this.#balanceAt(this.#clock.monotonicNow());
  }

  #balanceAt(nowMs: number): number {
    const tokens = this.#reserveTokens + this.#tokens.sumAt(nowMs);
    return Math.max(0, Math.floor(tokens / TOKENS_PER_RETRY));
  }
}
