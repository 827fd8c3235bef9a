/**
 * Averages that forget: how slow is it *now*?
 *
 * Latencies arrive at irregular times, so a plain "nine tenths old, one tenth new" would forget
 * fast under load and never when idle. Here the weight of the past depends on the time that went
 * by: after `decayMs` the old average weighs 1/e (37 %), after three times that 5 %. Equivalently,
 * a sample weighs as much as the time since the sample before it. Of several in one instant only
 * the first counts; to the peak, below, the slowest does too.
 *
 * - {@link Ewma} is the mean: it moves towards every sample.
 * - {@link PeakEwma} is a mean with suspicion: a slower sample than the estimate *becomes* the
 *   estimate, and only time brings it down. One very slow answer is enough to be avoided by a load
 *   balancer. It also sinks while nothing is measured; otherwise a server that was slow once would
 *   never be asked again, and so never show that it has recovered.
 *
 * Sources: A. Eckner, "Algorithms for Unevenly Spaced Time Series", EMA_next; Finagle
 * `loadbalancer/PeakEwma.scala` and tower `load/peak_ewma.rs` for the peak.
 *
 * Time is an argument in milliseconds of a monotonic clock. A reading that goes back counts as no
 * time passed. A sample that is negative or not finite is no measurement and is ignored; otherwise
 * one NaN would stay for ever. Updating makes no objects. Both measure one process's view: a long
 * pause here (GC, blocked event loop) looks like a slow server there.
 */

import { requirePositive } from "./options.ts";

/** The time-decayed mean of samples at irregular times. */
export class Ewma {
  readonly #decayMs: number;
  // NaN until the first sample; it also keeps the field a double, which V8 updates in place.
  #mean = Number.NaN;
  #updatedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param decayMs after this long the past weighs 1/e.
   * @throws RangeError when `decayMs` is not positive.
   */
  constructor(decayMs: number) {
    this.#decayMs = requirePositive("decayMs", decayMs);
  }

  /** Moves the mean towards `sample`; the first sample is the mean. */
  update(sample: number, nowMs: number): void {
    if (!isMeasured(sample)) return;
    const kept = keptShare(nowMs - this.#updatedMs, this.#decayMs);
    this.#mean = kept === 0 ? sample : this.#mean * kept + sample * (1 - kept);
    this.#updatedMs = Math.max(this.#updatedMs, nowMs);
  }

  /** The mean, in the unit of the samples; `undefined` before the first one. */
  get mean(): number | undefined {
    return Number.isNaN(this.#mean) ? undefined : this.#mean;
  }
}

/** The time-decayed mean that jumps to every new peak; for latencies (Peak EWMA). */
export class PeakEwma {
  readonly #decayMs: number;
  #estimate: number;
  #updatedMs: number;

  /**
   * @param decayMs how slowly a peak is forgotten: it weighs 1/e after this long.
   * @param initial the estimate before anything is measured, in the unit of the samples. High
   *   makes a newcomer prove itself with few requests, low gives it many at once.
   * @throws RangeError when `decayMs` or `initial` is not positive.
   */
  constructor(decayMs: number, initial: number, nowMs: number) {
    this.#decayMs = requirePositive("decayMs", decayMs);
    this.#estimate = requirePositive("initial", initial);
    this.#updatedMs = nowMs;
  }

  /** Takes a sample: up at once, down by the time that went by. */
  update(sample: number, nowMs: number): void {
    if (!isMeasured(sample)) return;
    const kept = keptShare(nowMs - this.#updatedMs, this.#decayMs);
    const estimate = this.#estimate;
    this.#estimate = sample > estimate ? sample : estimate * kept + sample * (1 - kept);
    this.#updatedMs = Math.max(this.#updatedMs, nowMs);
  }

  /** The estimate at `nowMs`, in the unit of the samples; reading changes nothing. */
  estimateAt(nowMs: number): number {
    return this.#estimate * keptShare(nowMs - this.#updatedMs, this.#decayMs);
  }
}

function isMeasured(sample: number): boolean {
  return sample >= 0 && sample < Number.POSITIVE_INFINITY;
}

/** What is left of an average after `elapsedMs`: 1 at once, 1/e after `decayMs`, towards 0. */
function keptShare(elapsedMs: number, decayMs: number): number {
  return elapsedMs > 0 ? Math.exp(-elapsedMs / decayMs) : 1;
}
