/**
 * How long do all but the slowest few take, lately?
 *
 * "The 95th percentile of the last half minute" exactly would need every latency of it, sorted.
 * Here they are counted in buckets whose bounds grow by 4 %, so that a latency is known to 2 %
 * however large it is: 392 numbers span a tenth of a millisecond to ten minutes.
 *
 * The window is cut into three slices, each with its own counts; when the window moves on, the
 * oldest slice is subtracted from their sum as a whole. So a latency counts for at least two thirds
 * of `windowMs` and never longer than that.
 *
 * The bucket with the percentile is not searched for, it is followed: a latency more moves it to a
 * neighbour, mostly not at all. Recording and asking are thus O(1), without allocation; at worst,
 * when it jumps between two far-off groups of latencies or a slice is dropped, O(buckets).
 *
 * Sources: C. Masson, J. Rim, H. Lee, "DDSketch", VLDB 2019 (buckets and their error); Finagle
 * `util/WindowedPercentileHistogram.scala` (30 s in three slices follow latencies well enough).
 */

import { requirePositive } from "@headroom/core/options";

/** An answer is off by no more than this share of itself. */
export const RELATIVE_ERROR = 0.02;

/** Below, everything counts as this much, in milliseconds. */
const LOWEST_MS = 0.1;
/** Above, everything counts as this much, in milliseconds. */
const HIGHEST_MS = 600_000;

/** The bounds of bucket `i` are `LOWEST_MS × GROWTH^(i−1)` and `LOWEST_MS × GROWTH^i`. */
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GROWTH = Math.log(GROWTH);
const BUCKETS = 1 + Math.ceil(Math.log(HIGHEST_MS / LOWEST_MS) / LOG_GROWTH);

const SLICES = 3;

/** `0.95 × 20` is 19 exactly, `0.07 × 100` is 7.000000000000001. */
const ROUNDING = 1e-9;

/**
 * A percentile of the latencies of the last while. Times are of a monotonic clock, in milliseconds;
 * one that goes back is taken as the latest one.
 */
export class LatencyPercentile {
  readonly #percentile: number;
  readonly #sliceMs: number;
  readonly #slices: readonly Uint32Array[];
  /** The sum of the slices. */
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #tick = Number.NEGATIVE_INFINITY;
  /** The bucket with the percentile, and how many latencies are in the buckets before it. */
  #bucket = 0;
  #below = 0;

  /**
   * @param percentile above 0 and below 1: 0.95 for what 95 % do not exceed.
   * @param windowMs how far back, in milliseconds.
   * @throws TypeError or RangeError when one of them is out of its range.
   */
  constructor(percentile: number, windowMs: number) {
    this.#percentile = requirePercentile(percentile);
    this.#sliceMs = requirePositive("windowMs", windowMs) / SLICES;
    this.#slices = Array.from({ length: SLICES }, () => new Uint32Array(BUCKETS));
  }

  /** Takes a latency. One that is negative or not finite is no measurement and is ignored. */
  record(latencyMs: number, nowMs: number): void {
    if (!(latencyMs >= 0 && latencyMs < Number.POSITIVE_INFINITY)) return;
    this.#advance(nowMs);
    const bucket = bucketOf(latencyMs);
    increment(this.#counts, bucket);
    increment(this.#sliceAt(this.#tick), bucket);
    this.#total++;
    if (bucket < this.#bucket) this.#below++;
    this.#follow();
  }

  /** How many latencies it rests on. */
  countAt(nowMs: number): number {
    this.#advance(nowMs);
    return this.#total;
  }

  /**
   * The smallest latency that the percentile's share of all do not exceed, in milliseconds, off by
   * 2 % at most; at least 0.1 ms, at most ten minutes. `undefined` when there is none.
   */
  valueAt(nowMs: number): number | undefined {
    this.#advance(nowMs);
    return this.#total === 0 ? undefined : latencyOf(this.#bucket);
  }

  /** Moves to the bucket in which the latency with the percentile's rank is. */
  #follow(): void {
    const counts = this.#counts;
    const rank = Math.max(1, Math.ceil(this.#percentile * this.#total - ROUNDING));
    while (this.#below >= rank) this.#below -= counts[--this.#bucket] as number;
    while (this.#below + (counts[this.#bucket] as number) < rank) {
      this.#below += counts[this.#bucket++] as number;
    }
  }

  #advance(nowMs: number): void {
    const tick = Math.floor(nowMs / this.#sliceMs);
    if (tick <= this.#tick) return;
    const steps = Math.min(tick - this.#tick, SLICES);
    this.#tick = tick;
    for (let step = 0; step < steps; step++) this.#drop(this.#sliceAt(tick - step));
    this.#bucket = 0;
    this.#below = 0;
    if (this.#total > 0) this.#follow();
  }

  #drop(slice: Uint32Array): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = slice[bucket] as number;
      this.#total -= count;
      this.#counts[bucket] = (this.#counts[bucket] as number) - count;
    }
    slice.fill(0);
  }

  #sliceAt(tick: number): Uint32Array {
    // The remainder has the sign of the tick, which is negative when the clock is.
    return this.#slices[((tick % SLICES) + SLICES) % SLICES] as Uint32Array;
  }
}

function increment(counts: Uint32Array, bucket: number): void {
  counts[bucket] = (counts[bucket] as number) + 1;
}

function bucketOf(latencyMs: number): number {
  if (latencyMs <= LOWEST_MS) return 0;
  const bucket = Math.ceil(Math.log(latencyMs / LOWEST_MS) / LOG_GROWTH);
  return Math.min(bucket, BUCKETS - 1);
}

/** As far from the lower bound of the bucket as from the upper one, in relation to each. */
function latencyOf(bucket: number): number {
  if (bucket === 0) return LOWEST_MS;
  return Math.min(HIGHEST_MS, LOWEST_MS * GROWTH ** bucket * (1 - RELATIVE_ERROR));
}

function requirePercentile(percentile: number): number {
  const rule = "percentile must be a number above 0 and below 1";
  if (typeof percentile !== "number") throw new TypeError(`${rule}, got a ${typeof percentile}`);
  if (percentile > 0 && percentile < 1) return percentile;
  throw new RangeError(`${rule}, got ${percentile}`);
}
