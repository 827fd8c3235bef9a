/**
 * Trying again what may work the next time.
 *
 * Three things make a retry harmful, and each has its guard here: repeating what cannot succeed
 * (only errors that say they are `retryable` are retried), repeating it at once and all together
 * (backoff with jitter), and repeating it while the server is failing because of its load (a budget
 * shared by all calls).
 *
 * An unknown error is not retried: a `TypeError` fails the same way three times. What a client
 * library throws is classified by `retryOn`, by the one who knows the library.
 *
 * Whether `fn` may run twice at all is for the caller to know. Nothing here can tell whether the
 * first attempt took effect.
 */

import { type Backoff, fullJitterBackoff } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import { isHeadroomError } from "./errors.ts";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireNonNegative,
  requireSignal,
} from "./options.ts";
import { type Random, systemRandom } from "./random.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { shieldHook } from "./shield.ts";

/** What to retry, how often and when. */
export interface RetryOptions {
  /**
   * How often `fn` is called at most, the first time included.
   * @default 3
   */
  readonly attempts?: number | undefined;
  /**
   * The wait before each retry.
   * @default full jitter, from 100 ms to 10 s
   */
  readonly backoff?: Backoff | undefined;
  /**
   * Shared by all calls to one service: this call deposits once and each retry withdraws.
   * @default none: only `attempts` is the limit
   */
  readonly budget?: Pick<RetryBudget, "deposit" | "tryWithdraw"> | undefined;
  /**
   * Which errors are worth another attempt. If it throws, the error is not, and the mistake is a
   * process warning.
   * @default those of Headroom with `retryable: true`, and no others
   */
  readonly retryOn?: ((error: unknown) => boolean) | undefined;
  /**
   * An error may ask for a wait with a number in its field `retryAfterMs` (an open circuit and a
   * 429 do). The backoff is added to it, so that not all come back in the same instant. A longer
   * wish than this is cut to it, in milliseconds.
   * @default 30_000
   */
  readonly maxRetryAfterMs?: number | undefined;
  /**
   * Called after each attempt that failed, for counters and events. What it throws is a process
   * warning.
   */
  readonly onFailedAttempt?: ((failed: FailedAttempt) => void) | undefined;
  /** Ends the waiting and any further attempt; `fn` gets it too, to end itself. */
  readonly signal?: AbortSignal | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** What `fn` is told. */
export interface Attempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
}

/** A failure and what follows from it. */
export type FailedAttempt = { readonly attempt: number; readonly error: unknown } & (
  | { readonly next: "retry"; readonly delayMs: number }
  | { readonly next: "give-up"; readonly reason: GiveUpReason }
);

/** Why there is no further attempt; `budget`: it was worth one, but too many are retrying. */
export type GiveUpReason = "not-retryable" | "attempts" | "budget" | "aborted";

/**
 * Calls `fn` until it succeeds or another attempt makes no sense.
 *
 * @throws the error of the last attempt, as it is. Those before it went to `onFailedAttempt`.
 * @throws `signal.reason`, unwrapped, when `signal` has aborted before the first attempt, during one
 *   that failed, or while waiting. An attempt that succeeds all the same gives its result.
 * @throws TypeError or RangeError when an option is unknown or out of its range; TypeError when
 *   `backoff` answers with no delay, the failure of the attempt being its `cause`.
 */
export async function retry<Result>(
  fn: (attempt: Attempt) => Result | PromiseLike<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  const rules = retryRules(options);
  const { attempts, backoff, budget, retryOn, maxRetryAfterMs, onFailedAttempt } = rules;
  const { signal, clock, random } = rules;

  // The budget is asked last: what is not retried for another reason takes nothing from it.
  const reasonToGiveUp = (error: unknown, attempt: number): GiveUpReason | undefined => {
    if (signal?.aborted) return "aborted";
    if (!retryOn(error)) return "not-retryable";
    if (attempt >= attempts) return "attempts";
    return budget === undefined || budget.tryWithdraw() ? undefined : "budget";
  };

  signal?.throwIfAborted();
  budget?.deposit();
  let backoffMs = 0;
  for (let attempt = 1; ; attempt++) {
    let delayMs: number;
    try {
      return await fn({ attempt, signal });
    } catch (error) {
      const giveUp = reasonToGiveUp(error, attempt);
      if (giveUp !== undefined) {
        onFailedAttempt({ attempt, error, next: "give-up", reason: giveUp });
        signal?.throwIfAborted();
        throw error;
      }
      backoffMs = requireDelay(backoff(attempt, random, backoffMs), error);
      delayMs = backoffMs + Math.min(retryAfterMsOf(error), maxRetryAfterMs);
      onFailedAttempt({ attempt, error, next: "retry", delayMs });
    }
    await clock.sleep(delayMs, { signal });
  }
}

/** {@link RetryOptions}, checked and complete. */
function retryRules(options: RetryOptions) {
  requireKnownOptions("retry", options, KNOWN_OPTIONS);
  const { budget, retryOn, onFailedAttempt = ignore } = options;
  return {
    attempts: requireCount("attempts", options.attempts ?? 3),
    backoff: requireFunction("backoff", options.backoff ?? DEFAULT_BACKOFF),
    budget:
      budget === undefined
        ? undefined
        : requireMethods("budget", budget, ["deposit", "tryWithdraw"]),
    retryOn: retryOn === undefined ? isRetryable : shieldHook("retryOn", retryOn, () => false),
    maxRetryAfterMs: requireNonNegative("maxRetryAfterMs", options.maxRetryAfterMs ?? 30_000),
    onFailedAttempt: shieldHook("onFailedAttempt", onFailedAttempt, ignore),
    signal: requireSignal("signal", options.signal),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}

const ignore = (): void => {};

const KNOWN_OPTIONS: readonly (keyof RetryOptions)[] = [
  "attempts",
  "backoff",
  "budget",
  "retryOn",
  "maxRetryAfterMs",
  "onFailedAttempt",
  "signal",
  "clock",
  "random",
];

const DEFAULT_BACKOFF = fullJitterBackoff({ baseMs: 100, maxMs: 10_000 });

function isRetryable(error: unknown): boolean {
  return isHeadroomError(error) && error.retryable;
}

/** A wrong backoff is a programmer's mistake, but it must not hide what was to be retried. */
function requireDelay(delayMs: unknown, cause: unknown): number {
  if (typeof delayMs === "number" && delayMs >= 0) return delayMs;
  throw new TypeError(`backoff must answer with milliseconds, got ${String(delayMs)}`, { cause });
}

function retryAfterMsOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("retryAfterMs" in error)) return 0;
  const { retryAfterMs } = error;
  return typeof retryAfterMs === "number" && retryAfterMs > 0 ? retryAfterMs : 0;
}
