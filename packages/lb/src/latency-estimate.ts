/**
 * How slow is this target now, and what if nobody knows yet?
 *
 * Once something is known it is a peak EWMA: a slow answer counts at once and is forgotten with
 * time. Before that any number would be wrong. A high guess keeps the newcomer without requests as
 * long as somebody else is known to be fast; in a process that has just started, the first target to
 * answer would then get everything. A low guess sends it everything until its first answer is there.
 * So a target that is not known is the fastest of all while it is idle, and slow as soon as it
 * has a request under way: it gets one, and shows itself.
 *
 * A failure has no latency, so a penalty stands for it, and says nothing about later. Fading like a
 * measured peak it would keep its target out for a minute. So it ends: after a while the target is
 * unknown again, and gets one request.
 *
 * Source: Finagle `loadbalancer/p2c/PeakEwma.scala` (its penalty for the unknown).
 */

import { PeakEwma } from "@headroom/core/ewma";

/** A clock may say 0 ms; an estimate of 0 would stay 0 whatever is in flight. */
const SHORTEST_MS = 0.001;

export interface EstimateRules {
  /** A slow answer weighs 1/e after this long. */
  readonly decayMs: number;
  /** What a target that has not answered yet is taken for while it has requests under way. */
  readonly initialMs: number;
}

export class LatencyEstimate {
  readonly #target: { readonly inFlight: number };
  readonly #rules: EstimateRules;
  #peak: PeakEwma | undefined;
  /** When what is known is a penalty, and ends. */
  #endsMs = Number.POSITIVE_INFINITY;

  constructor(target: { readonly inFlight: number }, rules: EstimateRules) {
    this.#target = target;
    this.#rules = rules;
  }

  /** Milliseconds, at `nowMs` of a monotonic clock. */
  estimateAt(nowMs: number): number {
    if (this.#peak !== undefined && nowMs < this.#endsMs) return this.#peak.estimateAt(nowMs);
    return this.#target.inFlight === 0 ? 0 : this.#rules.initialMs;
  }

  /** It took this long. */
  update(latencyMs: number, nowMs: number): void {
    if (nowMs >= this.#endsMs) this.forget();
    if (this.#peak !== undefined) this.#peak.update(latencyMs, nowMs);
    else this.#peak = new PeakEwma(this.#rules.decayMs, Math.max(latencyMs, SHORTEST_MS), nowMs);
  }

  /** It failed: for so long it is as bad as if it had taken that long. */
  penalise(penaltyMs: number, nowMs: number): void {
    this.update(penaltyMs, nowMs);
    this.#endsMs = nowMs + penaltyMs;
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#peak = undefined;
    this.#endsMs = Number.POSITIVE_INFINITY;
  }
}
