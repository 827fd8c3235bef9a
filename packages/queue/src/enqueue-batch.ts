/**
 * Many callers who add one job each, one call of the driver.
 *
 * Group commit, as the worker's: a lone add leaves at the end of the moment; those that come while
 * one is under way wait for it and go together with the next. They reach the queue in the order in
 * which they were asked for, because one call is under way at a time.
 *
 * A batch that fails fails for all, with one exception: when the driver could not take it, rather than
 * not be reached, its jobs are added one by one, so that only the one that is to blame fails.
 */

import { isHeadroomError } from "@headroom/core/errors";
import type { Enqueued, NewJob } from "./driver.ts";

interface Waiter {
  readonly job: NewJob;
  readonly resolve: (outcome: Enqueued) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_AT_ONCE = 500;

export class EnqueueBatch {
  readonly #send: (jobs: readonly NewJob[]) => Promise<readonly Enqueued[]>;
  #waiting: Waiter[] = [];
  #busy = false;

  constructor(send: (jobs: readonly NewJob[]) => Promise<readonly Enqueued[]>) {
    this.#send = send;
  }

  add(job: NewJob): Promise<Enqueued> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      process.nextTick(this.#flush);
    });
  }

  readonly #flush = (): void => {
    const batch = this.#waiting.splice(0, MOST_AT_ONCE);
    this.#busy = batch.length > 0;
    if (this.#busy) void this.#sendAll(batch).then(this.#flush);
  };

  /** Never rejects. */
  async #sendAll(batch: readonly Waiter[]): Promise<void> {
    try {
      const outcomes = await this.#send(batch.map(({ job }) => job));
      batch.forEach(({ resolve, reject }, at) => {
        const outcome = outcomes[at];
        if (outcome === undefined) reject(new TypeError("the driver answered for too few jobs"));
        else resolve(outcome);
      });
    } catch (error) {
      const unreached = isHeadroomError(error) && error.retryable;
      if (unreached || batch.length === 1) for (const { reject } of batch) reject(error);
      else for (const waiter of batch) await this.#sendAll([waiter]);
    }
  }
}
