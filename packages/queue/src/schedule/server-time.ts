/**
 * What the server's clock shows, without asking it each time.
 *
 * One answer of the server says what its clock showed at some moment between question and answer.
 * From then on only our monotonic clock is counted, so it does not matter what our wall clock shows,
 * nor whether somebody sets it. The reading is taken to be as old as the moment of the answer: then
 * the estimate is never ahead, and behind by a round trip at most.
 *
 * Two clocks do not run at quite the same speed, the server's may be set, and the one here stands
 * still while a virtual machine is suspended: an estimate is `isStale` after a minute.
 */

import type { Clock } from "@headroom/core/clock";

const FRESH_MS = 60_000;

export class ServerTime {
  readonly #clock: Clock;
  #aheadMs = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server has just answered that its clock shows this. */
  observe(serverNowMs: number): void {
    this.#readAtMs = this.#clock.monotonicNow();
    this.#aheadMs = serverNowMs - this.#readAtMs;
  }

  /** True until there is a first reading. */
  get isStale(): boolean {
    return this.#clock.monotonicNow() - this.#readAtMs >= FRESH_MS;
  }

  /** Milliseconds since the epoch, by the server's clock. Only once there was a reading. */
  now(): number {
    return this.#aheadMs + this.#clock.monotonicNow();
  }
}
