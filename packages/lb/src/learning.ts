/**
 * What the end of a request teaches about its target: how slow it is, and whether it is healthy.
 *
 * A failure counts as a slow answer. A target that fails at once would otherwise look like the fastest
 * and least loaded of all, and draw the traffic of the others: the black hole of every balancer that
 * knows only load or latency.
 *
 * Our own pauses are not the target's fault (`pause-watch.ts`): they are taken off its latency, and a
 * failure that was mostly our pause is as likely a timer of ours that was late, so it teaches nothing.
 */

import type { Endpoint } from "./endpoint.ts";
import type { Judge } from "./judge.ts";
import { ABANDONED, type Outcome } from "./outcome.ts";

export interface Ending {
  readonly startedMs: number;
  /** How long the target took to answer. */
  readonly tookMs: number;
  /** How much of that this process stood still. */
  readonly ownPauseMs: number;
}

/** Nobody is left alone for longer because it asked to be; else one wrong header keeps it out for days. */
const LONGEST_RETRY_AFTER_MS = 300_000;

export class Learning<T> {
  readonly #judge: Judge<T>;
  readonly #failureMs: number;

  /** @param failureMs a failure is as bad as an answer that takes this long. */
  constructor(judge: Judge<T>, failureMs: number) {
    this.#judge = judge;
    this.#failureMs = failureMs;
  }

  learn(endpoint: Endpoint<T>, outcome: Outcome, ending: Ending, nowMs: number): void {
    const { startedMs, tookMs, ownPauseMs } = ending;
    const latencyMs = Math.max(0, tookMs - ownPauseMs);
    const isOurs = outcome.type === "failure" && ownPauseMs > tookMs / 2;
    const lesson = isOurs ? ABANDONED : outcome;
    switch (lesson.type) {
      case "success":
        endpoint.answeredIn(latencyMs, nowMs);
        this.#judge.succeeded(endpoint, startedMs, nowMs);
        return;
      case "failure":
        endpoint.failures++;
        endpoint.latency.penalise(this.#penaltyMs(latencyMs, lesson.retryAfterMs), nowMs);
        this.#judge.failed(endpoint, lesson.kind, startedMs, nowMs);
        return;
      case "throttled":
        endpoint.latency.penalise(this.#penaltyMs(latencyMs, lesson.retryAfterMs), nowMs);
        this.#judge.throttled(endpoint, startedMs, nowMs);
        return;
      case "abandoned":
        // It has not answered for so long: the estimate is at least that.
        if (latencyMs > endpoint.latency.estimateAt(nowMs))
          endpoint.latency.update(latencyMs, nowMs);
        this.#judge.abandoned(endpoint, startedMs, nowMs);
    }
  }

  #penaltyMs(latencyMs: number, retryAfterMs: number | undefined): number {
    if (retryAfterMs === undefined) return Math.max(latencyMs, this.#failureMs);
    return Math.max(latencyMs, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS));
  }
}
