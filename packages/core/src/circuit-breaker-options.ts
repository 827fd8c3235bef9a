/** The options of `circuit-breaker`, checked once. */

import { type Backoff, decorrelatedJitterBackoff } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requirePositive,
  requireRatio,
  requireText,
} from "./options.ts";
import { type Random, systemRandom } from "./random.ts";
import { shieldHook } from "./shield.ts";
import type { SuccessWindowOptions } from "./success-window.ts";

/** When a circuit opens and how it closes again. The window's options are of the success rate. */
export interface CircuitBreakerOptions extends SuccessWindowOptions {
  /** What is behind the circuit, for errors and events: `"redis"`. */
  readonly name: string;
  /**
   * Failures in a row that open it.
   * @default 5
   */
  readonly consecutiveFailures?: number | undefined;
  /**
   * It opens when a smaller share of the calls in the window succeeded, from 0 (never) to 1.
   * @default 0.5
   */
  readonly minSuccessRate?: number | undefined;
  /**
   * How long it stays open; the attempt is 1 when it opens and grows with each failed probe.
   * @default decorrelated jitter, from 1 s to 30 s
   */
  readonly backoff?: Backoff | undefined;
  /**
   * A probe without a result after this long, in milliseconds, is lost and another may start.
   * @default 30_000
   */
  readonly probeTimeoutMs?: number | undefined;
  /**
   * Which errors of `run` blame the dependency. Others count as an answer, as a success does. An
   * `AbortError` of `fn`'s own is an error like any other: give the signal to `run` as well, and an
   * abort of the caller is not counted. If it throws, the error counts as a failure, is what the
   * caller gets, and the mistake is a process warning.
   * @default all
   */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** Called once for each change, when it is done. What it throws is a process warning. */
  readonly onStateChange?: ((change: CircuitChange) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Calls go through, are refused, or one of them is the probe. */
export type CircuitStatus = "closed" | "open" | "half-open";

/** A change of state: which circuit, from what, to what. */
export interface CircuitChange {
  readonly name: string;
  readonly from: CircuitStatus;
  readonly to: CircuitStatus;
}

/** {@link CircuitBreakerOptions}, checked and complete, without those of the window. */
export interface CircuitRules {
  readonly name: string;
  readonly consecutiveFailures: number;
  readonly minSuccessRate: number;
  readonly backoff: Backoff;
  readonly probeTimeoutMs: number;
  readonly isFailure: (error: unknown) => boolean;
  readonly onStateChange: (change: CircuitChange) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function circuitRules(options: CircuitBreakerOptions): CircuitRules {
  requireKnownOptions("CircuitBreaker", options, KNOWN_OPTIONS);
  return {
    name: requireText("name", options.name),
    consecutiveFailures: requireCount("consecutiveFailures", options.consecutiveFailures ?? 5),
    minSuccessRate: requireRatio("minSuccessRate", options.minSuccessRate ?? 0.5),
    backoff: requireFunction("backoff", options.backoff ?? DEFAULT_BACKOFF),
    probeTimeoutMs: requirePositive("probeTimeoutMs", options.probeTimeoutMs ?? 30_000),
    isFailure: shieldHook("isFailure", options.isFailure ?? always, always),
    onStateChange: shieldHook("onStateChange", options.onStateChange ?? ignore, ignore),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}

const always = (): boolean => true;
const ignore = (): void => {};
const DEFAULT_BACKOFF = decorrelatedJitterBackoff({ baseMs: 1_000, maxMs: 30_000 });

const KNOWN_OPTIONS: readonly (keyof CircuitBreakerOptions)[] = [
  "name",
  "consecutiveFailures",
  "minSuccessRate",
  "windowMs",
  "minRequests",
  "backoff",
  "probeTimeoutMs",
  "isFailure",
  "onStateChange",
  "clock",
  "random",
];
