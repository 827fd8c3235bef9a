/**
 * Time as a value that is passed in.
 *
 * Every Headroom mechanism that waits or measures takes a {@link Clock}; the system's clock is the
 * default and this file is the only one that touches it. With the manual clock of `./testing` the
 * same mechanism runs a day in a millisecond, with the same result every time.
 *
 * Two readings, because they answer different questions: `now()` is the wall clock (comparable
 * between machines, may jump), `monotonicNow()` only ever grows (for durations, deadlines, decay).
 *
 * No timer of this clock keeps the process alive: a library must not hold open a process whose
 * application has finished. What must be waited for at the end is waited for by `close()`.
 */

import { onAbort } from "./on-abort.ts";

export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start, with a fraction. Never goes back. */
  monotonicNow(): number;
  /**
   * Calls `callback` once, when `monotonicNow()` has grown by at least `delayMs` (0 or less: as
   * soon as possible, but never before this returns). `Infinity` never comes.
   * @throws TypeError when `delayMs` is no number.
   */
  timer(callback: () => void, delayMs: number): Timer;
  /**
   * Resolves after `delayMs`.
   * @throws `signal.reason`, unwrapped, as soon as `signal` aborts; its timer is cleared then.
   */
  sleep(delayMs: number, options?: SleepOptions): Promise<void>;
}

/** A pending call; `using timer = clock.timer(…)` cancels it at the end of the block. */
export interface Timer extends Disposable {
  /** Cancels the call if it has not happened yet. Calling it again does nothing. */
  cancel(): void;
}

export interface SleepOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Node keeps a delay in a signed 32-bit integer and runs a longer one at once; we chain instead. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

function systemTimer(callback: () => void, delayMs: number): Timer {
  const dueMs = performance.now() + requireDelay(delayMs);
  let timeout: NodeJS.Timeout;
  const arm = (): void => {
    // Rounded up, because Node drops the fraction and would call too early.
    const leftMs = Math.ceil(dueMs - performance.now());
    timeout = setTimeout(ring, Math.min(leftMs, LONGEST_TIMEOUT_MS));
    timeout.unref();
  };
  const ring = (): void => (performance.now() < dueMs ? arm() : callback());
  arm();
  const cancel = (): void => clearTimeout(timeout);
  return { cancel, [Symbol.dispose]: cancel };
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  timer: systemTimer,
  sleep: (delayMs, options) => sleepOn(systemClock, delayMs, options),
};

/**
 * Calls `callback` when all that has arrived by now was handled, and before anything is waited for: an
 * end of the event loop's turn, at which what its requests have asked can be sent together. It is no
 * time, and no clock is asked for it.
 */
export function afterThisTurn(callback: () => void): void {
  setImmediate(callback);
}

/** `sleep` in terms of `timer`, so that every clock sleeps and aborts alike. */
export function sleepOn(
  clock: Pick<Clock, "timer">,
  delayMs: number,
  options: SleepOptions = {},
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.timer(() => {
      stopWaiting?.();
      resolve();
    }, delayMs);
    const stopWaiting =
      signal &&
      onAbort(signal, () => {
        timer.cancel();
        reject(signal.reason);
      });
  });
}

/** A delay is a number of milliseconds; NaN would otherwise fire at once and hide a bug. */
export function requireDelay(delayMs: number): number {
  if (typeof delayMs !== "number" || Number.isNaN(delayMs)) {
    throw new TypeError(`delayMs must be a number of milliseconds, got ${String(delayMs)}`);
  }
  return Math.max(0, delayMs);
}
