/**
 * How far behind a replica is, in true time.
 *
 * `now() - pg_last_xact_replay_timestamp()` grows on a replica that has everything while nobody
 * writes, and its usual repair says 0 when the stream is cut. Here the primary's position is noted each
 * time it is seen; a replica that has replayed to some position is as old as the moment at which the
 * primary was there. One clock, ours; the answer is right to within the interval of the probes.
 */

import type { Lsn } from "./lsn.ts";

interface Sample {
  readonly atMs: number;
  readonly lsn: Lsn;
}

/** At one a second, more than ten minutes. */
const MOST_SAMPLES = 1024;

export class LagHistory {
  readonly #samples: Sample[] = [];

  /** The primary was seen at `lsn`; the time is of a monotonic clock. */
  note(lsn: Lsn, atMs: number): void {
    if (lsn < (this.newest ?? lsn)) this.forget();
    this.#samples.push({ atMs, lsn });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }

  /** The primary was replaced: positions of another history compare to nothing. */
  forget(): void {
    this.#samples.length = 0;
  }

  /** Where the primary was last seen. */
  get newest(): Lsn | undefined {
    return this.#samples.at(-1)?.lsn;
  }

  /**
   * How old what a replica at `lsn` shows is, in milliseconds: 0 when it has all that is known.
   * Undefined when nothing is known of the primary. Further back than is remembered it is at least that.
   */
  lagMs(lsn: Lsn, nowMs: number): number | undefined {
    const { newest } = this;
    if (newest === undefined) return undefined;
    if (lsn >= newest) return 0;
    for (let index = this.#samples.length - 1; index >= 0; index--) {
      const sample = this.#samples[index];
      if (sample !== undefined && sample.lsn <= lsn) return nowMs - sample.atMs;
    }
    const oldest = this.#samples[0];
    return oldest && Math.max(0, nowMs - oldest.atMs);
  }

  /** How much of the log a replica at `lsn` has not replayed, in bytes. */
  lagBytes(lsn: Lsn): number | undefined {
    const { newest } = this;
    return newest === undefined ? undefined : Number(newest > lsn ? newest - lsn : 0n);
  }
}
