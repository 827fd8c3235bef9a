/**
 * One target and all that is known about it.
 *
 * It is what policies see as a {@link Candidate}. Its owner, the balancer, changes it; it decides
 * nothing itself. A target that is ejected stays an endpoint, with its connections warm: only who is
 * in rotation changes.
 */

import { type Health, initialHealth } from "@headroom/core/health";
import { SuccessWindow, type SuccessWindowOptions } from "@headroom/core/success-window";
import { type EstimateRules, LatencyEstimate } from "./latency-estimate.ts";
import type { Candidate } from "./policy.ts";
import type { TargetOptions } from "./target.ts";

export interface EndpointRules extends EstimateRules {
  readonly window: SuccessWindowOptions;
}

export class Endpoint<T> implements Candidate {
  readonly id: string;
  readonly target: T;
  /** Who listed it: a refresh of the discovery leaves alone what was added by hand. */
  readonly listedBy: "owner" | "discovery";
  weight = 1;
  priority = 0;
  zone: string | undefined;

  share = 1;
  inFlight = 0;
  readonly latency: LatencyEstimate;

  health: Health;
  /** Found unfit by active checks, which are a second opinion beside `health`. */
  failsChecks = false;
  /** Listed no more; the last request under way ends it. */
  hasLeft = false;
  readonly window: SuccessWindow;

  /** Of the last success, on a monotonic clock. */
  #succeededMs = Number.NEGATIVE_INFINITY;

  requests = 0;
  failures = 0;

  constructor(
    options: TargetOptions<T>,
    listedBy: "owner" | "discovery",
    nowMs: number,
    rules: EndpointRules,
  ) {
    this.id = options.id;
    this.target = options.target;
    this.listedBy = listedBy;
    this.latency = new LatencyEstimate(this, rules);
    this.window = new SuccessWindow(rules.window);
    this.health = initialHealth(nowMs);
    this.describe(options);
  }

  /** Takes over what a refresh may change; whether it did. */
  describe({ weight = 1, priority = 0, zone }: TargetOptions<T>): boolean {
    const isSame = weight === this.weight && priority === this.priority && zone === this.zone;
    this.weight = weight;
    this.priority = priority;
    this.zone = zone;
    return !isSame;
  }

  /** In rotation: neither ejected, nor draining, nor unfit. */
  get isAvailable(): boolean {
    const { status } = this.health;
    return (status === "healthy" || status === "suspect") && !this.failsChecks;
  }

  get isDraining(): boolean {
    return this.health.status === "draining";
  }

  /** It is in rotation, and a request has succeeded since then. */
  hasProvenItself(sinceMs: number): boolean {
    return this.isAvailable && this.#succeededMs >= sinceMs;
  }

  /** An answer took this long. */
  answeredIn(latencyMs: number, nowMs: number): void {
    this.#succeededMs = nowMs;
    this.latency.update(latencyMs, nowMs);
  }

  /** What was bad about it is settled: it is back. Its next answer says how fast it is now. */
  forgive(): void {
    this.latency.forget();
    this.window.clear();
  }
}
