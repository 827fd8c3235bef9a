/**
 * How long to wait before trying again.
 *
 * Retrying at once, all together, is what keeps an overloaded server overloaded. So each wait is
 * longer than the one before (exponential), and random, because clients that failed in the same
 * instant must not return in the same instant (jitter).
 *
 * A {@link Backoff} is a pure function from what is known about the last try to the next delay. It
 * keeps no state, so one backoff serves any number of callers, and a queue can store the two
 * numbers with a job and go on in another process.
 *
 * Which one: full jitter spreads the load best, but may wait nearly nothing. Decorrelated jitter
 * never waits less than its base: take it where waiting is the point, as in an open circuit.
 *
 * Source of both jitters, with the simulation that compares them: Marc Brooker, "Exponential
 * Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * It does not limit how often one retries, nor how many clients do: that is `retry-budget`.
 */

import { requireKnownOptions, requirePositive } from "./options.ts";
import type { Random } from "./random.ts";

/**
 * The delay before the next try.
 *
 * @param attempt which retry this is: 1 for the first.
 * @param random draws the jitter.
 * @param previousMs what this backoff answered for the retry before, 0 when there was none.
 * @returns milliseconds, finite, never above the backoff's cap however large `attempt` is.
 */
export type Backoff = (attempt: number, random: Random, previousMs: number) => number;

/** The bounds of a growing delay. */
export interface BackoffOptions {
  /** The first delay, in milliseconds. Positive. */
  readonly baseMs: number;
  /** No delay is longer, in milliseconds. At least `baseMs`. */
  readonly maxMs: number;
}

/**
 * The same delay every time, without jitter: `constantBackoff(50)` → 50, 50, 50, …
 * @throws RangeError when `delayMs` is not positive.
 */
export function constantBackoff(delayMs: number): Backoff {
  requirePositive("delayMs", delayMs);
  return () => delayMs;
}

/**
 * Twice the delay before, without jitter: `{ baseMs: 100, maxMs: 1000 }` → 100, 200, 400, 800,
 * 1000, 1000, …
 * @throws RangeError when `baseMs` is not positive or `maxMs` is below it.
 */
export function exponentialBackoff(options: BackoffOptions): Backoff {
  const { baseMs, maxMs } = requireBounds(options);
  // A large power is Infinity, never NaN, and the cap takes it.
  return (attempt) => Math.min(maxMs, baseMs * 2 ** (attempt - 1));
}

/**
 * Anywhere between 0 and the exponential delay ("full jitter").
 * @throws RangeError when `baseMs` is not positive or `maxMs` is below it.
 */
export function fullJitterBackoff(options: BackoffOptions): Backoff {
  const ceiling = exponentialBackoff(options);
  return (attempt, random, previousMs) => random() * ceiling(attempt, random, previousMs);
}

/**
 * Anywhere between the base and three times the delay before ("decorrelated jitter"). It looks at
 * `previousMs` and not at `attempt`.
 * @throws RangeError when `baseMs` is not positive or `maxMs` is below it.
 */
export function decorrelatedJitterBackoff(options: BackoffOptions): Backoff {
  const { baseMs, maxMs } = requireBounds(options);
  return (_attempt, random, previousMs) => {
    const highMs = 3 * Math.max(baseMs, previousMs);
    return Math.min(maxMs, baseMs + random() * (highMs - baseMs));
  };
}

function requireBounds(options: BackoffOptions): BackoffOptions {
  requireKnownOptions("backoff", options, ["baseMs", "maxMs"]);
  const baseMs = requirePositive("baseMs", options.baseMs);
  const maxMs = requirePositive("maxMs", options.maxMs);
  if (maxMs < baseMs) {
    throw new RangeError(`maxMs must be at least baseMs (${baseMs}), got ${maxMs}`);
  }
  return { baseMs, maxMs };
}
