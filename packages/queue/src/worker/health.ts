/**
 * Whether a worker works: by its last successful claim or extension, not by a PING.
 *
 * A connection that answers may belong to a worker that never asks for jobs again. One that is
 * full does not claim, but extends the leases of what it runs; so one of the two is always recent.
 */

import type { Clock } from "@headroom/core/clock";

export interface WorkerHealth {
  /** `stale`: for longer than any wait of ours, no claim and no extension has succeeded. */
  readonly status: "ok" | "stale";
  /** When the last claim or extension succeeded, in milliseconds since the epoch. */
  readonly lastClaimMs: number;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #staleAfterMs: number;
  #lastMs: number;
  #lastAtMs: number;

  /** It counts as alive when it is made. */
  constructor(clock: Clock, staleAfterMs: number) {
    this.#clock = clock;
    this.#staleAfterMs = staleAfterMs;
    this.#lastMs = clock.now();
    this.#lastAtMs = clock.monotonicNow();
  }

  succeeded(): void {
    this.#lastMs = this.#clock.now();
    this.#lastAtMs = this.#clock.monotonicNow();
  }

  /** @param quiet nothing is asked and nothing held for the moment: that is no failure. */
  read(quiet: boolean): WorkerHealth {
    const sinceMs = this.#clock.monotonicNow() - this.#lastAtMs;
    return {
      status: quiet || sinceMs <= this.#staleAfterMs ? "ok" : "stale",
      lastClaimMs: this.#lastMs,
    };
  }
}
