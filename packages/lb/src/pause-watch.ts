/**
 * Was it the target that was slow, or we?
 *
 * When this process stands still, in a garbage collection or a long synchronous loop, every answer
 * that arrived meanwhile is read late and every timer fires at once: all targets look slow, or timed
 * out, for a fault of ours. So a timer of our own watches when it should have been called, and what
 * it was late by is taken off the latency of all requests that were under way.
 *
 * It runs only while something is under way, and sees pauses of {@link TICK_MS} and more.
 */

import type { Clock, Timer } from "@headroom/core/clock";

const TICK_MS = 50;

export class PauseWatch {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #dueMs = 0;
  #pausedMs = 0;
  #watched = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this process has stood still in all; a difference of two readings is what counts. */
  pausedMs(nowMs: number): number {
    // A pause that our own timer has not noticed yet: it is due, and something else was called first.
    const lateMs = this.#timer === undefined ? 0 : nowMs - this.#dueMs;
    return this.#pausedMs + (lateMs >= TICK_MS ? lateMs : 0);
  }

  /** One more request is under way. */
  enter(nowMs: number): void {
    this.#watched++;
    if (this.#timer === undefined) this.#arm(nowMs);
  }

  leave(): void {
    this.#watched--;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(nowMs: number): void {
    this.#dueMs = nowMs + TICK_MS;
    this.#timer = this.#clock.timer(this.#tick, TICK_MS);
  }

  readonly #tick = (): void => {
    const nowMs = this.#clock.monotonicNow();
    this.#pausedMs = this.pausedMs(nowMs);
    this.#timer = undefined;
    if (this.#watched > 0) this.#arm(nowMs);
  };
}
