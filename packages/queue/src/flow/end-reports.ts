/**
 * The reports of one worker on one queue: who has ended, to whom it concerns.
 *
 * An end waits for its report and not for those of others: the parent's server may be another one, and
 * its outage must not hold up a whole queue. While it is away it is asked again, for as long as the
 * child's lease lasts; then the end is dropped, as one is that cannot be settled, and the child comes
 * again.
 */

import { fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { ClaimedJob, Swept, Verdict } from "../driver.ts";
import type { QueuePlace } from "./queue-directory.ts";
import { endOf, reportEnd } from "./report-end.ts";

const BACKOFF = fullJitterBackoff({ baseMs: 100, maxMs: 1_000 });

export class EndReports {
  readonly #place: QueuePlace;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #end = new AbortController();

  /** @param place the children's queue. */
  constructor(place: QueuePlace, clock: Clock, random: Random) {
    this.#place = place;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * To be called before a verdict is settled.
   * @param untilMs by the monotonic clock.
   * @returns undefined when there is nothing to tell; else whether it was told.
   */
  tell(job: ClaimedJob, verdict: Verdict, untilMs: number): Promise<boolean> | undefined {
    const outcome = endOf(job, verdict);
    return outcome && this.#repeat(() => reportEnd(this.#place, job, outcome), untilMs);
  }

  /** Those that a sweep has found dead. What cannot be told now is found by `HeldParents`. */
  swept({ dead }: Swept): void {
    for (const child of dead) {
      reportEnd(this.#place, child, { kind: "dead", reason: "lease-expired" }).catch(() => {});
    }
  }

  /** Asks no more. */
  close(): void {
    this.#end.abort();
  }

  async #repeat(report: () => Promise<void>, untilMs: number): Promise<boolean> {
    const { signal } = this.#end;
    for (let failures = 1; ; failures++) {
      try {
        await report();
        return true;
      } catch {
        const delayMs = BACKOFF(failures, this.#random, 0);
        if (signal.aborted || this.#clock.monotonicNow() + delayMs >= untilMs) return false;
        await this.#clock.sleep(delayMs, { signal }).catch(() => {});
      }
    }
  }
}
