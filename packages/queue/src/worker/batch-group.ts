/** The jobs of one call of a batch handler: they share a place among the running ones, and a signal. */

import type { QueueError } from "../errors.ts";
import type { Attempt } from "./attempt.ts";

export class BatchGroup {
  readonly attempts: readonly Attempt[];
  /** How many have not ended. */
  left: number;
  #controller: AbortController | undefined;
  #aborted: QueueError | undefined;

  constructor(attempts: readonly Attempt[]) {
    this.attempts = attempts;
    this.left = attempts.length;
  }

  /** Aborts when the work is for nothing for all of them. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** One of them was aborted. */
  noteAbort(reason: QueueError): void {
    if (this.#aborted !== undefined) return;
    const useful = this.attempts.some(
      ({ aborted, stage }) => aborted === undefined && stage !== "over",
    );
    if (useful) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }
}
