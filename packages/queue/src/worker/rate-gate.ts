/**
 * How many jobs may be begun now, by one worker.
 *
 * The generic cell rate algorithm (ITU-T I.371): one number, the time at which the bucket would be
 * empty. Jobs are counted when they are claimed, so that none is held that must not begin.
 */

import type { Rate } from "../driver.ts";

export class RateGate {
  readonly #stepMs: number;
  readonly #burstMs: number;
  /** When all that was let through would have come at the even rate. */
  #evenMs = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.#stepMs = rate.perMs / rate.jobs;
    this.#burstMs = rate.perMs;
  }

  /** How many may begin now. */
  room(nowMs: number): number {
    const usedMs = Math.max(0, this.#evenMs - nowMs);
    // A fraction of a job is no job, but a sum of doubles may miss one by a hair.
    return Math.floor((this.#burstMs - usedMs) / this.#stepMs + 1e-9);
  }

  /** In how many milliseconds the next may. */
  nextMs(nowMs: number): number {
    const usedMs = Math.max(0, this.#evenMs - nowMs);
    return Math.max(0, usedMs - this.#burstMs + this.#stepMs);
  }

  take(jobs: number, nowMs: number): void {
    this.#evenMs = Math.max(this.#evenMs, nowMs) + jobs * this.#stepMs;
  }
}
