/**
 * A sum over the last while.
 *
 * "How many in the last ten seconds?" would need the time of every event to be answered exactly.
 * Instead the window is cut into slices, each with one number; a slice is emptied when the window
 * has moved past it. Adding is O(1) and allocates nothing, reading is O(slices).
 *
 * Invariant: nothing older than `windowMs` is ever counted. The price is at the edge: the oldest
 * slice leaves as a whole, so an amount is counted for at least `windowMs · (1 − 1/slices)`.
 *
 * Time is an argument, from a monotonic clock: the owner has usually read it already. A reading
 * that goes back is taken as the latest one.
 */

import { requireCount, requirePositive } from "./options.ts";

/** The sum of the amounts added during the last `windowMs` milliseconds. */
export class SlidingSum {
  readonly #slices: Float64Array;
  readonly #sliceMs: number;
  #currentSlice = 0;
  #currentTick = Number.NEGATIVE_INFINITY;

  /**
   * @param windowMs how far back the sum reaches, in milliseconds.
   * @param slices how finely: 10 means that amounts leave in steps of a tenth of the window.
   * @throws RangeError when one of them is not positive.
   */
  constructor(windowMs: number, slices = 10) {
    this.#slices = new Float64Array(requireCount("slices", slices));
    this.#sliceMs = requirePositive("windowMs", windowMs) / slices;
  }

  /** Adds `amount`, which may be negative. */
  add(amount: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#slices[this.#currentSlice] = (this.#slices[this.#currentSlice] ?? 0) + amount;
  }

  /** The sum at `nowMs`; exact as long as the amounts are integers. O(slices). */
  sumAt(nowMs: number): number {
    this.#advance(nowMs);
    let sum = 0;
    for (const amount of this.#slices) sum += amount;
    return sum;
  }

  /** Forgets every amount. */
  clear(): void {
    this.#slices.fill(0);
  }

  #advance(nowMs: number): void {
    const tick = Math.floor(nowMs / this.#sliceMs);
    const steps = Math.min(tick - this.#currentTick, this.#slices.length);
    for (let step = 0; step < steps; step++) {
      this.#currentSlice = (this.#currentSlice + 1) % this.#slices.length;
      this.#slices[this.#currentSlice] = 0;
    }
    this.#currentTick = Math.max(this.#currentTick, tick);
  }
}
