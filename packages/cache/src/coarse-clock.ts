/**
 * The time of about now, for reads that come by the million.
 *
 * A look at the system's clock costs as much as finding the value. So one reading serves all reads
 * until a timer, set by the first of them, has taken it away a millisecond later. A process that is
 * too busy to run its timers sees time stand still for that long: a value may be served that much
 * past its end, and nothing else is decided by this clock.
 */

import type { Clock } from "@headroom/core/clock";

const RESOLUTION_MS = 1;

export class CoarseClock {
  readonly #clock: Clock;
  #nowMs = 0;
  #isCurrent = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `monotonicNow()`, or what it was a moment ago. */
  nowMs(): number {
    return this.#isCurrent ? this.#nowMs : this.#look();
  }

  #look(): number {
    this.#isCurrent = true;
    this.#nowMs = this.#clock.monotonicNow();
    this.#clock.timer(() => {
      this.#isCurrent = false;
    }, RESOLUTION_MS);
    return this.#nowMs;
  }
}
