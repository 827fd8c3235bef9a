/** What `createLoadBalancer` may be told, and the check of it. */

import type { ConnectionOptions } from "node:tls";
import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
  requireText,
} from "@headroom/core/options";
import { RetryBudget } from "@headroom/core/retry-budget";
import type { BalancerOptions } from "../balancer-options.ts";
import type { Discovery } from "../discovery.ts";
import { type HedgeOptions, Hedging } from "../hedge.ts";
import type { Classify } from "./classify.ts";
import { type HttpCheckOptions, httpCheck } from "./http-check.ts";
import type { DiscoveredServer, HttpTargetOptions, Protocol } from "./http-endpoint.ts";
import type { ConnectionRules, HttpTarget } from "./http-target.ts";

/** How requests that failed are tried again, at other targets. */
export interface HttpRetryOptions {
  /** How often one request is tried at most, the first time included; refusals are not counted. @default 3 */
  readonly attempts?: number | undefined;
  /** Retries earned by one request that succeeds; 0.2 is one retry for five of them. @default 0.2 */
  readonly budgetRatio?: number | undefined;
  /** Retries per second that need not be earned. @default 10 */
  readonly minRetriesPerSecond?: number | undefined;
  /**
   * A target that asks to be left alone (`Retry-After`) is given so long at most before the request is
   * tried at another, in milliseconds; 0 for not at all.
   * @default 1_000
   */
  readonly maxRetryAfterMs?: number | undefined;
}

/** What holds for the choice among targets of any kind; see `BalancerOptions`. */
type BalancingOptions = Pick<
  BalancerOptions<HttpTarget>,
  | "name"
  | "policy"
  | "health"
  | "latency"
  | "zone"
  | "overprovisioning"
  | "maxInFlight"
  | "maxQueued"
  | "queueTimeoutMs"
  | "clock"
  | "random"
>;

export interface LoadBalancerOptions extends BalancingOptions {
  /** The web servers: a list, or where to find it out. */
  readonly targets: readonly HttpTargetOptions[] | Discovery<DiscoveredServer>;
  /** How to speak to servers that a discovery found by name and address. @default "http" */
  readonly protocol?: Protocol | undefined;
  /** Active checks beside the requests: `{ path: "/healthz" }`. @default none */
  readonly check?: HttpCheckOptions | undefined;
  /** `false` for a single attempt. */
  readonly retry?: HttpRetryOptions | false | undefined;
  /** Second attempts beside slow ones, of requests that may be repeated. @default false */
  readonly hedge?: HedgeOptions | boolean | undefined;
  /** A rule of your own for what an answer or an error says. @default the rules of `classify.ts` */
  readonly classify?: Classify | undefined;
  /** Until a connection is made, TLS included, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Until the headers of an answer are there, from when the request was sent, in milliseconds; 0 for
   * no limit. undici looks about every half second. A request may say otherwise (`headersTimeout`).
   * @default 30_000
   */
  readonly headersTimeoutMs?: number | undefined;
  /** Between two pieces of a body, in milliseconds; as `headersTimeoutMs`. @default 30_000 */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * Until the headers of an answer are there, from the choice of its target, in milliseconds; then
   * another is tried. @default Infinity
   */
  readonly perTryTimeoutMs?: number | undefined;
  /** For everything, to the end of the answer, in milliseconds. @default Infinity */
  readonly totalTimeoutMs?: number | undefined;
  /** A larger body of an answer is an error (`LB_UPSTREAM`), and its connection is closed. @default Infinity */
  readonly maxResponseBytes?: number | undefined;
  /** To one target, at most. @default Infinity */
  readonly connections?: number | undefined;
  /** Requests under way on one connection. @default 1 */
  readonly pipelining?: number | undefined;
  /** Speaks HTTP/2 with targets of https that can. @default false */
  readonly allowH2?: boolean | undefined;
  /**
   * How long an idle connection is kept, in milliseconds, unless the target names its own time. Less
   * than the target keeps it (Node: 5 s), or requests are written to connections that it closes.
   * @default 4_000
   */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** Of `node:tls`: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized`, … */
  readonly tls?: ConnectionOptions | undefined;
}

/** What holds for all requests, as one of them needs to know it. */
export interface ExchangeRules {
  /** The balancer's, for errors and telemetry. */
  readonly name: string;
  readonly clock: Clock;
  /** Of one request, the first included. */
  readonly maxAttempts: number;
  readonly budget: RetryBudget;
  readonly hedging: Hedging | undefined;
  readonly classify: Classify | undefined;
  /** A target that asks for a longer wait gets this one. */
  readonly maxRetryAfterMs: number;
  /** Until the headers of one answer; Infinity for no limit. */
  readonly perTryTimeoutMs: number;
  /** From the dispatch to the end of the answer; Infinity for no limit. */
  readonly totalTimeoutMs: number;
}

/** {@link LoadBalancerOptions}, checked and complete. */
export interface LoadBalancerRules {
  readonly exchange: ExchangeRules;
  readonly connection: ConnectionRules;
  readonly protocol: Protocol;
  readonly maxInFlight: number;
  /** Checked by the balancer. */
  readonly balancing: BalancingOptions & Pick<BalancerOptions<HttpTarget>, "check">;
}

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function loadBalancerRules(options: LoadBalancerOptions): LoadBalancerRules {
  requireKnownOptions("createLoadBalancer", options, KNOWN_OPTIONS);
  const { protocol = "http", tls = {}, classify, maxInFlight = Number.POSITIVE_INFINITY } = options;
  if (protocol !== "http" && protocol !== "https") {
    throw new TypeError(`protocol must be "http" or "https", got ${String(protocol)}`);
  }
  const { connections = Number.POSITIVE_INFINITY, allowH2 = false } = options;
  if (typeof allowH2 !== "boolean") throw new TypeError("allowH2 must be a boolean");
  const clock = requireClock("clock", options.clock ?? systemClock);
  return {
    protocol,
    maxInFlight,
    balancing: { ...balancingOf(options), check: options.check && httpCheck(options.check) },
    exchange: {
      name: requireText("name", options.name ?? "default"),
      clock,
      ...retryRules(options.retry ?? {}, clock),
      hedging: hedgingOf(options.hedge ?? false),
      classify:
        classify === undefined ? undefined : shielded(requireFunction("classify", classify)),
      perTryTimeoutMs: requireLimit("perTryTimeoutMs", options.perTryTimeoutMs),
      totalTimeoutMs: requireLimit("totalTimeoutMs", options.totalTimeoutMs),
    },
    connection: {
      connections:
        connections === Number.POSITIVE_INFINITY
          ? undefined
          : requireCount("connections", connections),
      pipelining: requireCount("pipelining", options.pipelining ?? 1),
      allowH2,
      tls,
      connectTimeoutMs: requirePositive("connectTimeoutMs", options.connectTimeoutMs ?? 5_000),
      headersTimeoutMs: requireCount("headersTimeoutMs", options.headersTimeoutMs ?? 30_000, {
        min: 0,
      }),
      bodyTimeoutMs: requireCount("bodyTimeoutMs", options.bodyTimeoutMs ?? 30_000, { min: 0 }),
      maxResponseBytes: requireLimit("maxResponseBytes", options.maxResponseBytes),
      keepAliveTimeoutMs: requirePositive(
        "keepAliveTimeoutMs",
        options.keepAliveTimeoutMs ?? 4_000,
      ),
    },
  };
}

const BALANCING_OPTIONS: readonly (keyof BalancingOptions)[] = [
  "name",
  "policy",
  "health",
  "latency",
  "zone",
  "overprovisioning",
  "maxInFlight",
  "maxQueued",
  "queueTimeoutMs",
  "clock",
  "random",
];

const KNOWN_OPTIONS: readonly (keyof LoadBalancerOptions)[] = [
  ...BALANCING_OPTIONS,
  "targets",
  "protocol",
  "check",
  "retry",
  "hedge",
  "classify",
  "connectTimeoutMs",
  "headersTimeoutMs",
  "bodyTimeoutMs",
  "maxResponseBytes",
  "perTryTimeoutMs",
  "totalTimeoutMs",
  "connections",
  "pipelining",
  "allowH2",
  "keepAliveTimeoutMs",
  "tls",
];

function balancingOf(options: LoadBalancerOptions): BalancingOptions {
  return Object.fromEntries(BALANCING_OPTIONS.map((name) => [name, options[name]]));
}

function retryRules(options: HttpRetryOptions | false, clock: Clock) {
  const given: HttpRetryOptions = options === false ? { attempts: 1 } : options;
  requireKnownOptions("retry", given, [
    "attempts",
    "budgetRatio",
    "minRetriesPerSecond",
    "maxRetryAfterMs",
  ]);
  const { attempts = 3, budgetRatio, minRetriesPerSecond, maxRetryAfterMs = 1_000 } = given;
  return {
    maxAttempts: requireCount("attempts", attempts),
    budget: new RetryBudget({ retryRatio: budgetRatio, minRetriesPerSecond, clock }),
    maxRetryAfterMs: requireNonNegative("maxRetryAfterMs", maxRetryAfterMs),
  };
}

function hedgingOf(options: HedgeOptions | boolean): Hedging | undefined {
  return options === false ? undefined : new Hedging(options === true ? {} : options);
}

function requireLimit(name: string, value = Number.POSITIVE_INFINITY): number {
  return value === Number.POSITIVE_INFINITY ? value : requirePositive(name, value);
}

/** A rule that throws has no opinion; the mistake is a process warning. */
function shielded(classify: Classify): Classify {
  return (result) => {
    try {
      return classify(result);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
      return undefined;
    }
  };
}
