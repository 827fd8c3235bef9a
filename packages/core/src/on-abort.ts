/**
 * Many who wait on one signal.
 *
 * The signal that a server aborts when it closes is shared by every call in flight. A listener for
 * each of them makes Node 20 warn of a leak from the eleventh on, and takes the longer to remove the
 * more there are: with ten thousand calls, each that ends walks through the list. So a signal gets
 * one listener, for as long as somebody waits, and those who wait are a linked list on it.
 *
 * Mostly one waits alone, for the signal of one request. So nothing is looked up and nothing built
 * but the link: to come and go costs hardly more than `addEventListener` and `removeEventListener`.
 */

/** On the signal. A `WeakMap` would say the same at twice the price. */
const CROWD = Symbol("headroom.crowd");

interface CrowdedSignal extends AbortSignal {
  [CROWD]?: Crowd;
}

interface Waiter {
  readonly callback: () => void;
  isWaiting: boolean;
  previous: Waiter | undefined;
  next: Waiter | undefined;
}

/**
 * Calls `callback` when `signal` aborts; it must not have aborted yet. Callbacks are called in the
 * order in which they came. One that throws keeps none from being called; the first such error is
 * thrown on, as by any listener. O(1), however many wait.
 *
 * @returns a function that takes the callback away. Calling it again does nothing.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const crowded: CrowdedSignal = signal;
  const crowd = crowded[CROWD] ?? new Crowd(signal);
  crowded[CROWD] = crowd;
  const waiter: Waiter = { callback, isWaiting: true, previous: crowd.last, next: undefined };
  crowd.join(waiter);
  return () => crowd.leave(waiter);
}

/**
 * Settles as `work` does, but rejects with `signal.reason` as soon as `signal` aborts. It must not
 * have aborted yet. Work that is left behind goes on unseen; its late rejection is no unhandled one.
 */
export async function unlessAborted<Result>(
  signal: AbortSignal,
  work: () => Result | PromiseLike<Result>,
): Promise<Result> {
  let stopWaiting: (() => void) | undefined;
  try {
    return await new Promise<Result>((resolve, reject) => {
      stopWaiting = onAbort(signal, () => reject(signal.reason));
      // Not `resolve(work())`: that would bind us to work which may never settle.
      Promise.resolve(work()).then(resolve, reject);
    });
  } finally {
    stopWaiting?.();
  }
}

/** The listener of one signal, and those who wait. */
class Crowd {
  readonly #signal: AbortSignal;
  #first: Waiter | undefined;
  last: Waiter | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  join(waiter: Waiter): void {
    if (this.last !== undefined) this.last.next = waiter;
    else {
      this.#first = waiter;
      this.#signal.addEventListener("abort", this);
    }
    this.last = waiter;
  }

  leave(waiter: Waiter): void {
    if (!waiter.isWaiting) return;
    waiter.isWaiting = false;
    const { previous, next } = waiter;
    if (previous !== undefined) previous.next = next;
    else this.#first = next;
    if (next !== undefined) next.previous = previous;
    else this.last = previous;
    if (this.#first === undefined) this.#signal.removeEventListener("abort", this);
  }

  handleEvent(): void {
    const errors: unknown[] = [];
    for (let waiter = this.#first; waiter !== undefined; waiter = this.#first) {
      this.leave(waiter);
      try {
        waiter.callback();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
