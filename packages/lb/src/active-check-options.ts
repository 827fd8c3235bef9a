/** How often targets are checked, and what decides; the check of these options. */

import type { Clock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requirePositive,
  requireRatio,
} from "@headroom/core/options";
import type { Random } from "@headroom/core/random";

/** How targets are checked. */
export interface ActiveCheckOptions<T> {
  /**
   * Asks one target. It is fit, unless this answers `false`, throws, or takes too long; `signal` then
   * aborts, as it does when the target leaves.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a check that only throws answers nothing.
  readonly check: (target: T, signal: AbortSignal) => PromiseLike<boolean | void>;
  /** From one check of a target to the next, in milliseconds. @default 10_000 */
  readonly intervalMs?: number | undefined;
  /**
   * The same while its requests succeed, in milliseconds; not less than `intervalMs`.
   * @default 60_000, or `intervalMs` if that is longer
   */
  readonly healthyIntervalMs?: number | undefined;
  /**
   * A check that takes longer has failed, in milliseconds.
   * @default 2_000, or `intervalMs` if that is shorter
   */
  readonly timeoutMs?: number | undefined;
  /** By which share an interval may be longer or shorter, from 0 to 1. @default 0.1 */
  readonly jitter?: number | undefined;
  /** Failures in a row that make a target unfit. @default 3 */
  readonly unhealthyThreshold?: number | undefined;
  /** Successes in a row that make it fit again. @default 2 */
  readonly healthyThreshold?: number | undefined;
}

/** What the checks need of their owner. */
export interface ActiveCheckOwner {
  /**
   * Called after each check that confirms what all of them amount to: not after the first failure of a
   * fit target, nor the first success of an unfit one.
   * @param cause what the check failed with; `undefined` when it answered `false`, or succeeded.
   */
  readonly onResult: (id: string, isFit: boolean, cause?: unknown) => void;
  /**
   * Whether the target is in rotation and a request to it has succeeded at or after `sinceMs` of the
   * monotonic clock. @default never
   */
  readonly isProven?: ((id: string, sinceMs: number) => boolean) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** {@link ActiveCheckOptions} and their owner, checked and complete. */
export type ActiveCheckRules<T> = Required<{
  [K in keyof ActiveCheckOptions<T>]: ActiveCheckOptions<T>[K] & {};
}> &
  Required<{ [K in keyof ActiveCheckOwner]: ActiveCheckOwner[K] & {} }>;

const KNOWN_OPTIONS: readonly (keyof ActiveCheckOptions<unknown>)[] = [
  "check",
  "intervalMs",
  "healthyIntervalMs",
  "timeoutMs",
  "jitter",
  "unhealthyThreshold",
  "healthyThreshold",
];

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function activeCheckRules<T>(
  options: ActiveCheckOptions<T>,
  owner: ActiveCheckOwner,
): ActiveCheckRules<T> {
  requireKnownOptions("check", options, KNOWN_OPTIONS);
  const intervalMs = requirePositive("intervalMs", options.intervalMs ?? 10_000);
  const { healthyIntervalMs = Math.max(60_000, intervalMs) } = options;
  if (requirePositive("healthyIntervalMs", healthyIntervalMs) < intervalMs) {
    throw new RangeError(
      `healthyIntervalMs must be at least intervalMs (${intervalMs}), got ${healthyIntervalMs}`,
    );
  }
  return {
    check: requireFunction("check", options.check),
    intervalMs,
    healthyIntervalMs,
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? Math.min(2_000, intervalMs)),
    jitter: requireRatio("jitter", options.jitter ?? 0.1),
    unhealthyThreshold: requireCount("unhealthyThreshold", options.unhealthyThreshold ?? 3),
    healthyThreshold: requireCount("healthyThreshold", options.healthyThreshold ?? 2),
    onResult: requireFunction("onResult", owner.onResult),
    isProven: requireFunction("isProven", owner.isProven ?? (() => false)),
    clock: requireClock("clock", owner.clock),
    random: requireFunction("random", owner.random),
  };
}
