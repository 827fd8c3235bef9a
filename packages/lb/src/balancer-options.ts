/** What `createBalancer` may be told, and the check of it. */

import { type Clock, systemClock } from "@headroom/core/clock";
import { type HealthOptions, type HealthPolicy, healthPolicy } from "@headroom/core/health";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requirePositive,
  requireRatio,
  requireText,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { RetryBudget } from "@headroom/core/retry-budget";
import { shieldHook } from "@headroom/core/shield";
import type { ActiveCheckOptions } from "./active-check.ts";
import type { Discovery } from "./discovery.ts";
import { type HedgeOptions, Hedging } from "./hedge.ts";
import { FAILED, type Outcome } from "./outcome.ts";
import { type PolicyName, policyByName } from "./policies/policy-by-name.ts";
import type { Policy } from "./policy.ts";
import { classifyAnyError } from "./run.ts";
import { requireTargets, type TargetOptions } from "./target.ts";

/** When a target is taken out of rotation, and how it comes back. */
export interface BalancerHealthOptions extends HealthOptions {
  /** Ejection of targets that fail often, though not in a row; `false` for never. */
  readonly successRate?: SuccessRateOptions | false | undefined;
  /**
   * No more than this share of the targets of a priority is ejected for failed requests, from 0 to
   * 1. One always may be; the last one never is.
   * @default 0.5
   */
  readonly maxEjectedShare?: number | undefined;
  /**
   * When less than this share of a priority is healthy, health is ignored: from 0 (never) to 1.
   * @default 0.5
   */
  readonly panicThreshold?: number | undefined;
}

/** Over which requests the success rate is judged, and what is too low. */
export interface SuccessRateOptions {
  /** How far back, in milliseconds. @default 10_000 */
  readonly windowMs?: number | undefined;
  /** A target with fewer requests than this in the window is not judged. @default 20 */
  readonly minRequests?: number | undefined;
  /** Beyond how many standard deviations below the mean a target is an outlier. @default 1.9 */
  readonly stdevFactor?: number | undefined;
  /** From how many judged targets on the deviation says something. @default 5 */
  readonly minHosts?: number | undefined;
  /** With fewer targets: the rate that is too low while others do better, 0 to 1. @default 0.5 */
  readonly minSuccessRate?: number | undefined;
}

/** What a slow or failed answer does to the estimate that `p2c-ewma` compares. */
export interface LatencyOptions {
  /** A slow answer weighs 1/e after this long, in milliseconds. @default 10_000 */
  readonly decayMs?: number | undefined;
  /**
   * What a target that has not answered yet is taken for while its first request is under way, in
   * milliseconds; idle, it is taken for the fastest of all.
   * @default 1_000
   */
  readonly initialMs?: number | undefined;
  /** A failure counts as an answer that took this long, or longer if it did. @default 5_000 */
  readonly failureMs?: number | undefined;
}

/** How `run` tries again. */
export interface BalancerRetryOptions {
  /** How often the work is tried at most, the first time included; refusals are not counted. @default 3 */
  readonly attempts?: number | undefined;
  /** Retries earned by one run that succeeds; 0.2 is one retry for five of them. @default 0.2 */
  readonly budgetRatio?: number | undefined;
  /** Retries per second that need not be earned. @default 10 */
  readonly minRetriesPerSecond?: number | undefined;
  /**
   * What an error of the work says about its target.
   * @default `refused` for ECONNREFUSED, EHOSTUNREACH, ENETUNREACH and ENOTFOUND, else `failed`
   */
  readonly classify?: ((error: unknown) => Outcome) | undefined;
}

export interface BalancerOptions<T> {
  /** What it is called in errors and telemetry. @default "default" */
  readonly name?: string | undefined;
  /** A list, or where to find it out. */
  readonly targets: readonly TargetOptions<T>[] | Discovery<T>;
  /** How to choose among those in rotation. @default "p2c-ewma" */
  readonly policy?: PolicyName | Policy | undefined;
  readonly health?: BalancerHealthOptions | undefined;
  /** Active checks beside the requests. @default none */
  readonly check?: ActiveCheckOptions<T> | undefined;
  readonly latency?: LatencyOptions | undefined;
  /** The zone of this process: targets in it come first. @default no preference */
  readonly zone?: string | undefined;
  /** A priority is taken for whole while healthy share × this is 1 or more. @default 1.4 */
  readonly overprovisioning?: number | undefined;
  /** How often `run` may try; `false` for once. */
  readonly retry?: BalancerRetryOptions | false | undefined;
  /** Second attempts of `run` beside slow ones. @default false */
  readonly hedge?: HedgeOptions | boolean | undefined;
  /** How many requests may be under way, over all targets. @default Infinity */
  readonly maxInFlight?: number | undefined;
  /** How many may wait for room; one more is turned away at once. @default 1_000 */
  readonly maxQueued?: number | undefined;
  /** How long a request may wait for room, in milliseconds. @default 1_000 */
  readonly queueTimeoutMs?: number | undefined;
  /** A target has left and its last request is over: what it holds may be closed. */
  readonly onLeft?: ((target: T) => void) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** {@link BalancerOptions}, checked and complete. */
export interface BalancerRules<T> {
  readonly name: string;
  readonly policy: Policy;
  readonly health: HealthPolicy;
  readonly maxEjectedShare: number;
  readonly panicThreshold: number;
  readonly successRate: Required<{ [K in keyof SuccessRateOptions]: number }> | undefined;
  readonly check: ActiveCheckOptions<T> | undefined;
  readonly decayMs: number;
  readonly initialMs: number;
  readonly failureMs: number;
  readonly zone: string | undefined;
  readonly overprovisioning: number;
  readonly attempts: number;
  readonly budget: RetryBudget;
  readonly classify: (error: unknown) => Outcome;
  readonly hedging: Hedging | undefined;
  readonly maxInFlight: number;
  readonly maxQueued: number;
  readonly queueTimeoutMs: number;
  readonly onLeft: (target: T) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function balancerRules<T>(options: BalancerOptions<T>): BalancerRules<T> {
  requireKnownOptions("createBalancer", options, KNOWN_OPTIONS);
  const { health = {}, latency = {}, targets } = options;
  if (typeof targets !== "function") requireTargets(targets);
  requireKnownOptions("latency", latency, ["decayMs", "initialMs", "failureMs"]);
  const { successRate, maxEjectedShare, panicThreshold, ...ejection } = health;
  const clock = requireClock("clock", options.clock ?? systemClock);
  const random = requireFunction("random", options.random ?? systemRandom);
  return {
    name: requireText("name", options.name ?? "default"),
    policy: requirePolicy(options.policy ?? "p2c-ewma", random),
    health: healthPolicy({ random, ...ejection }),
    maxEjectedShare: requireRatio("maxEjectedShare", maxEjectedShare ?? 0.5),
    panicThreshold: requireRatio("panicThreshold", panicThreshold ?? 0.5),
    successRate: successRate === false ? undefined : successRateRules(successRate ?? {}),
    check: options.check,
    decayMs: requirePositive("decayMs", latency.decayMs ?? 10_000),
    initialMs: requirePositive("initialMs", latency.initialMs ?? 1_000),
    failureMs: requirePositive("failureMs", latency.failureMs ?? 5_000),
    zone: options.zone === undefined ? undefined : requireText("zone", options.zone),
    overprovisioning: requireAtLeastOne("overprovisioning", options.overprovisioning ?? 1.4),
    ...retryRules(options.retry ?? {}, clock),
    hedging: hedgingOf(options.hedge ?? false),
    maxInFlight: requireLimit("maxInFlight", options.maxInFlight ?? Number.POSITIVE_INFINITY),
    maxQueued: requireCount("maxQueued", options.maxQueued ?? 1_000, { min: 0 }),
    queueTimeoutMs: requirePositive("queueTimeoutMs", options.queueTimeoutMs ?? 1_000),
    onLeft: requireFunction("onLeft", options.onLeft ?? (() => {})),
    clock,
    random,
  };
}

const KNOWN_OPTIONS: readonly (keyof BalancerOptions<unknown>)[] = [
  "name",
  "targets",
  "policy",
  "health",
  "check",
  "latency",
  "zone",
  "overprovisioning",
  "retry",
  "hedge",
  "maxInFlight",
  "maxQueued",
  "queueTimeoutMs",
  "onLeft",
  "clock",
  "random",
];

function successRateRules(options: SuccessRateOptions) {
  const known = ["windowMs", "minRequests", "stdevFactor", "minHosts", "minSuccessRate"] as const;
  requireKnownOptions("successRate", options, known);
  return {
    windowMs: requirePositive("windowMs", options.windowMs ?? 10_000),
    minRequests: requireCount("minRequests", options.minRequests ?? 20),
    stdevFactor: requirePositive("stdevFactor", options.stdevFactor ?? 1.9),
    minHosts: requireCount("minHosts", options.minHosts ?? 5),
    minSuccessRate: requireRatio("minSuccessRate", options.minSuccessRate ?? 0.5),
  };
}

function retryRules(options: BalancerRetryOptions | false, clock: Clock) {
  const known = ["attempts", "budgetRatio", "minRetriesPerSecond", "classify"] as const;
  const given = options === false ? { attempts: 1 } : options;
  requireKnownOptions("retry", given, known);
  const {
    attempts = 3,
    budgetRatio,
    minRetriesPerSecond,
    classify,
  } = given as BalancerRetryOptions;
  return {
    attempts: requireCount("attempts", attempts),
    budget: new RetryBudget({ retryRatio: budgetRatio, minRetriesPerSecond, clock }),
    // What it throws must not keep a lease from being given back.
    classify: shieldHook("classify", classify ?? classifyAnyError, () => FAILED),
  };
}

function hedgingOf(options: HedgeOptions | boolean): Hedging | undefined {
  if (options === false) return undefined;
  return new Hedging(options === true ? {} : options);
}

function requirePolicy(policy: PolicyName | Policy, random: Random): Policy {
  if (typeof policy === "string") return policyByName(policy, random);
  if (typeof policy === "object" && policy !== null && typeof policy.picker === "function") {
    return policy;
  }
  throw new TypeError(
    `policy must be the name of one or have a method picker, got ${typeof policy}`,
  );
}

function requireAtLeastOne(name: string, value: number): number {
  if (typeof value === "number" && value >= 1 && value < Number.POSITIVE_INFINITY) return value;
  throw new RangeError(`${name} must be a finite number of at least 1, got ${String(value)}`);
}

function requireLimit(name: string, value: number): number {
  return value === Number.POSITIVE_INFINITY ? value : requireCount(name, value);
}
