/**
 * The share of requests that succeeded lately.
 *
 * A run of consecutive failures shows a dead server within five requests, but never shows one that
 * fails every second request: the successes between reset the run. The success rate over a window
 * sees that one, and needs enough requests before it may judge. Circuit breaker and load balancer
 * use both signals together, as linkerd2-proxy's breaker does
 * (`linkerd/app/outbound/src/http/breaker/`: consecutive_failures, success_rate, unified).
 *
 * It only measures. What rate is too low, and what follows, is decided by who asks.
 */

import { requireCount, requireKnownOptions } from "./options.ts";
import { SlidingSum } from "./sliding-sum.ts";

/** How long and how many requests a {@link SuccessWindow} looks at. */
export interface SuccessWindowOptions {
  /**
   * How far back, in milliseconds, in steps of a tenth.
   * @default 10_000
   */
  readonly windowMs?: number | undefined;
  /**
   * With fewer requests than this in the window there is no rate.
   * @default 20
   */
  readonly minRequests?: number | undefined;
}

/** Counts successes and failures in a sliding window. Recording is O(1) and allocates nothing. */
export class SuccessWindow {
  readonly #successes: SlidingSum;
  readonly #failures: SlidingSum;
  readonly #minRequests: number;

  /** @throws RangeError or TypeError when an option is unknown, not positive or not whole. */
  constructor(options: SuccessWindowOptions = {}) {
    requireKnownOptions("SuccessWindow", options, ["windowMs", "minRequests"]);
    const { windowMs = 10_000, minRequests = 20 } = options;
    this.#successes = new SlidingSum(windowMs);
    this.#failures = new SlidingSum(windowMs);
    this.#minRequests = requireCount("minRequests", minRequests);
  }

  /** Counts one finished request at `nowMs` of a monotonic clock. */
  record(succeeded: boolean, nowMs: number): void {
    (succeeded ? this.#successes : this.#failures).add(1, nowMs);
  }

  /**
   * The share that succeeded, from 0 (none) to 1 (all).
   * @returns `undefined` while the window holds fewer than `minRequests`: too few to judge.
   */
  rateAt(nowMs: number): number | undefined {
    const successes = this.#successes.sumAt(nowMs);
    const requests = successes + this.#failures.sumAt(nowMs);
    return requests < this.#minRequests ? undefined : successes / requests;
  }

  /** Forgets every request, as when a circuit closes again: old failures are settled then. */
  clear(): void {
    this.#successes.clear();
    this.#failures.clear();
  }
}
