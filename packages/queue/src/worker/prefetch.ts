/**
 * How many jobs to hold beyond those that run.
 *
 * While the worker asks for more, the jobs it has run out: it should hold as many as end within one
 * round trip. More than that only keeps them from other workers: a job that waits here behind a slow
 * one could run elsewhere. So the number follows what is measured: with `c` jobs at a time that take
 * `d` each, `c · rtt / d` end in a round trip, twice that covers their variance. Jobs that take long
 * against a round trip are not prefetched at all.
 *
 * Jobs that have waited here for long although they were to end within a trip are given back, and
 * nothing is prefetched until jobs are short again.
 *
 * Durations and round trips are smoothed exponentially; a new worker prefetches nothing.
 */

/** Of the last sample. */
const WEIGHT = 0.1;
/** A share of the time below this is not worth holding a job for. */
const WORTH = 0.05;
const MOST = 500;

export class Prefetch {
  readonly #fixed: number | undefined;
  readonly #concurrency: number;
  #jobMs: number | undefined;
  #tripMs: number | undefined;
  #size: number;

  /** @param fixed what the application says; undefined: as measured. */
  constructor(concurrency: number, fixed: number | undefined) {
    this.#fixed = fixed;
    this.#concurrency = concurrency;
    this.#size = fixed ?? 0;
  }

  get size(): number {
    return this.#size;
  }

  /** A job took so long, in its handler. */
  ran(ms: number): void {
    this.#jobMs = this.#jobMs === undefined ? ms : this.#jobMs + WEIGHT * (ms - this.#jobMs);
  }

  /** Jobs that were prefetched have found no place for so long: what was measured is no longer so. */
  stalled(ms: number): void {
    if (this.#fixed !== undefined) return;
    this.#jobMs = Math.max(this.#jobMs ?? 0, ms);
    this.#size = this.#measured();
  }

  /** A round trip took so long. */
  asked(ms: number): void {
    this.#tripMs = this.#tripMs === undefined ? ms : this.#tripMs + WEIGHT * (ms - this.#tripMs);
    if (this.#fixed === undefined) this.#size = this.#measured();
  }

  #measured(): number {
    if (this.#jobMs === undefined || this.#tripMs === undefined) return 0;
    const ending = (this.#concurrency * this.#tripMs) / Math.max(this.#jobMs, 0.001);
    return ending < WORTH ? 0 : Math.min(MOST, Math.ceil(2 * ending));
  }
}
