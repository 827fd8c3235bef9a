/**
 * How often jobs may start: the generic cell rate algorithm (GCRA, ITU-T I.371), in its form of a
 * virtual schedule. One number is all its state: when the next start would be due if starts came
 * evenly. A burst may run ahead of that schedule by the whole of `jobs`.
 */

import type { Rate } from "../driver.ts";

/** Sums of intervals are not whole: a start is not refused for the last digit. */
const ROUNDING_MS = 1e-6;

export class StartRate {
  #dueMs = 0;

  /** How long until a job may start; 0: now. */
  waitMs({ jobs, perMs }: Rate, nowMs: number): number {
    const evenlyMs = perMs / jobs;
    const waitMs = Math.max(this.#dueMs, nowMs) + evenlyMs - perMs - nowMs;
    return waitMs <= ROUNDING_MS ? 0 : waitMs;
  }

  /** A job starts. */
  start({ jobs, perMs }: Rate, nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs) + perMs / jobs;
  }
}
