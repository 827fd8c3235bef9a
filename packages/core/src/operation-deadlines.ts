/**
 * One time limit for many operations, with one timer.
 *
 * Every operation on a shared store must settle in time, also when its reply never comes: a server
 * that is stopped, a link that is stalled, a client that queues commands until it is connected. A
 * timer for each would cost more than the operation. But all have the same limit, so they run out
 * in the order in which they began: the oldest has the timer, and the others wait behind it in a list.
 * One that settles is only marked, and taken off when it comes to the front.
 *
 * A process that was itself held up (a long computation, a debugger) finds its timers due before it
 * has read the replies that have long been there. So what has run out is given one more turn of the
 * event loop before it is failed.
 *
 * A late result is dropped, unless somebody wants to undo what it brought; a late error is no
 * unhandled rejection. What was sent may still take effect.
 */

import type { Clock, Timer } from "./clock.ts";

interface Operation {
  readonly dueMs: number;
  /** Undefined once it has settled. */
  fail: ((error: unknown) => void) | undefined;
  next: Operation | undefined;
}

export class OperationDeadlines {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #timeoutError: () => unknown;
  #oldest: Operation | undefined;
  #newest: Operation | undefined;
  #timer: Timer | undefined;

  /** @param timeoutError makes what an operation rejects with that has run out of time. */
  constructor(timeoutMs: number, clock: Clock, timeoutError: () => unknown) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#timeoutError = timeoutError;
  }

  /**
   * Settles as `work` does, or rejects when that takes longer.
   * @param ended called before it settles: with undefined, or with the error, of which it makes what
   *   is rejected with.
   * @param late told a result that came after its time.
   */
  limit<Result>(
    work: Promise<Result>,
    ended: (error: unknown, failed: boolean) => unknown,
    late?: (result: Result) => void,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(ended(error, true));
      const operation = this.#begin(fail);
      work.then(
        (result) => {
          if (operation.fail === undefined) return late?.(result);
          operation.fail = undefined;
          ended(undefined, false);
          resolve(result);
        },
        (error) => {
          if (operation.fail === undefined) return;
          operation.fail = undefined;
          fail(error);
        },
      );
    });
  }

  #begin(fail: (error: unknown) => void): Operation {
    const dueMs = this.#clock.monotonicNow() + this.#timeoutMs;
    const operation: Operation = { dueMs, fail, next: undefined };
    if (this.#newest === undefined) this.#oldest = operation;
    else this.#newest.next = operation;
    this.#newest = operation;
    this.#timer ??= this.#clock.timer(this.#ring, this.#timeoutMs);
    return operation;
  }

  readonly #ring = (): void => {
    this.#dropSettled();
    const oldest = this.#oldest;
    this.#timer = undefined;
    if (oldest === undefined) return;
    const leftMs = oldest.dueMs - this.#clock.monotonicNow();
    const [next, delayMs] = leftMs > 0 ? [this.#ring, leftMs] : [this.#fail, 0];
    this.#timer = this.#clock.timer(next, delayMs);
  };

  /** A turn of the event loop after they ran out: whatever reply was there has been read by now. */
  readonly #fail = (): void => {
    const nowMs = this.#clock.monotonicNow();
    for (let at = this.#oldest; at !== undefined && at.dueMs <= nowMs; at = at.next) {
      at.fail?.(this.#timeoutError());
      at.fail = undefined;
    }
    this.#ring();
  };

  #dropSettled(): void {
    while (this.#oldest !== undefined && this.#oldest.fail === undefined) {
      this.#oldest = this.#oldest.next;
    }
    if (this.#oldest === undefined) this.#newest = undefined;
  }
}
