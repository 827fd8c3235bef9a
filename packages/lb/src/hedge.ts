/**
 * When to ask a second target, and how often that is allowed.
 *
 * One answer in a hundred takes long for no reason in the request: a pause for garbage collection,
 * a full queue, a lost packet. A second copy of the request, sent to another target after a while,
 * mostly finds that one quick: whoever answers first wins. Google's BigTable came from 1800 ms to
 * 74 ms at the 99.9th percentile of a fan-out that way, for 2 % more requests. Done without care it
 * doubles the load of servers that are slow *because* of their load. So:
 *
 * - **The delay is measured, not configured**: the 95th percentile of the latencies of the last
 *   half minute. When everything becomes slow, so does the delay, and about one request in twenty
 *   is hedged, not all.
 * - **A budget of its own** covers the time until the percentile knows. Each request brings a
 *   twentieth of a hedge and each hedge takes a whole one, so never more than 5 % of the requests
 *   so far have been hedged. What is saved up ends at ten: a quiet night is no supply for a storm.
 *   That, and that nothing is there at the start, is what a retry budget (`core/retry-budget`) does
 *   differently.
 * - **Nothing before twenty answers**: a percentile of three says nothing.
 *
 * Here is only the decision. Its owner hedges only requests that may be sent twice, to another
 * target, not in panic; and aborts who loses.
 *
 * Sources: J. Dean, L. A. Barroso, "The Tail at Scale", CACM 2013 (hedged requests, 95th
 * percentile); Finagle `client/BackupRequestFilter.scala` (live percentile, budget, what to
 * record); the AWS SDK for the budget's size (ten, a twentieth a request).
 */

import {
  requireCount,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
  requireRatio,
} from "@headroom/core/options";
import { LatencyPercentile } from "./latency-percentile.ts";

/** When and how often requests are hedged. */
export interface HedgeOptions {
  /**
   * A request is hedged when it has taken longer than this share of the others: above 0, below 1.
   * @default 0.95
   */
  readonly percentile?: number | undefined;
  /**
   * Not sooner than this, in milliseconds: nobody waits for what comes in less.
   * @default 1
   */
  readonly minDelayMs?: number | undefined;
  /**
   * Not later than this, in milliseconds, though most take longer. The budget holds all the same.
   * @default Infinity
   */
  readonly maxDelayMs?: number | undefined;
  /**
   * Hedges earned by one request, from 0 (none ever) to 1: 0.05 allows one for twenty requests.
   * Counted to a millionth.
   * @default 0.05
   */
  readonly budgetRatio?: number | undefined;
  /**
   * With fewer answers than this in the window, nothing is hedged.
   * @default 20
   */
  readonly minSamples?: number | undefined;
  /**
   * How long an answer counts, in milliseconds, in steps of a third.
   * @default 30_000
   */
  readonly windowMs?: number | undefined;
}

/** What is saved up when few requests are slow. */
const MOST_SAVED_HEDGES = 10;

/** Tokens are millionths of a hedge: sums of integers are exact where sums of 0.05 are not. */
const TOKENS_PER_HEDGE = 1_000_000;

/** The delay and the budget of one balancer's hedges. Times are monotonic, in milliseconds. */
export class Hedging {
  readonly #latencies: LatencyPercentile;
  readonly #minSamples: number;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #depositTokens: number;
  #tokens = 0;

  /** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
  constructor(options: HedgeOptions = {}) {
    requireKnownOptions("hedge", options, KNOWN_OPTIONS);
    const { maxDelayMs = Number.POSITIVE_INFINITY } = options;
    this.#latencies = new LatencyPercentile(options.percentile ?? 0.95, options.windowMs ?? 30_000);
    this.#minSamples = requireCount("minSamples", options.minSamples ?? 20);
    this.#minDelayMs = requireNonNegative("minDelayMs", options.minDelayMs ?? 1);
    this.#maxDelayMs = requireLongest(maxDelayMs, this.#minDelayMs);
    const budgetRatio = requireRatio("budgetRatio", options.budgetRatio ?? 0.05);
    this.#depositTokens = Math.round(budgetRatio * TOKENS_PER_HEDGE);
  }

  /**
   * Takes the time of one attempt: one that succeeded or took too long, and one that was aborted
   * because another won, with the time until then. The aborted ones were slower than the delay;
   * without them the slowest would be missing, and the delay would sink by itself. What failed fast
   * is left out, or it would sink too.
   */
  record(latencyMs: number, nowMs: number): void {
    this.#latencies.record(latencyMs, nowMs);
  }

  /** After how many milliseconds to hedge a request; `undefined` while too little is known. */
  delayMs(nowMs: number): number | undefined {
    const latencyMs = this.#latencies.valueAt(nowMs);
    if (latencyMs === undefined || this.#latencies.countAt(nowMs) < this.#minSamples) {
      return undefined;
    }
    return Math.min(this.#maxDelayMs, Math.max(this.#minDelayMs, latencyMs));
  }

  /** Counts a request. Once for each, not for its hedge and its retries. */
  deposit(): void {
    const most = MOST_SAVED_HEDGES * TOKENS_PER_HEDGE;
    this.#tokens = Math.min(most, this.#tokens + this.#depositTokens);
  }

  /** Takes one hedge if there is one; `false` leaves the budget as it was. */
  tryWithdraw(): boolean {
    if (this.#tokens < TOKENS_PER_HEDGE) return false;
    this.#tokens -= TOKENS_PER_HEDGE;
    return true;
  }
}

const KNOWN_OPTIONS: readonly (keyof HedgeOptions)[] = [
  "percentile",
  "minDelayMs",
  "maxDelayMs",
  "budgetRatio",
  "minSamples",
  "windowMs",
];

function requireLongest(maxDelayMs: number, minDelayMs: number): number {
  if (maxDelayMs === Number.POSITIVE_INFINITY) return maxDelayMs;
  if (requirePositive("maxDelayMs", maxDelayMs) >= minDelayMs) return maxDelayMs;
  throw new RangeError(`maxDelayMs must be at least minDelayMs (${minDelayMs}), got ${maxDelayMs}`);
}
