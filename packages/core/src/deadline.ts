/**
 * How long may this take, in all?
 *
 * A caller waits for an end result, not for each step. So a time limit is set once, at the top, as
 * an instant, and travels downwards as an `AbortSignal`; every step below may shorten it and none
 * can extend it.
 *
 * The invariant: {@link withDeadline} settles at the deadline, whatever the work does. Work that
 * ignores its signal is abandoned: it goes on unseen, a late result is dropped and a late rejection
 * is no unhandled one. Hence work that *acquires* something must give it back itself when its
 * signal has aborted in the meantime.
 *
 * The time runs on the injected clock, and its timer and its listener on the caller's signal are
 * gone when the work is over; a signal that lives as long as the server collects nothing.
 * `AbortSignal.timeout` and `AbortSignal.any` offer neither.
 */

import { type Clock, systemClock, type Timer } from "./clock.ts";
import { HeadroomError, redactUrl } from "./errors.ts";
import { onAbort, unlessAborted } from "./on-abort.ts";
import {
  requireClock,
  requireKnownOptions,
  requireNonNegative,
  requireSignal,
  requireText,
} from "./options.ts";

export interface DeadlineOptions {
  /**
   * How long it may take, in milliseconds from now. 0 is over at once; what is left of another
   * deadline may be passed on as it is.
   * @default Infinity: only `signal` ends it
   */
  readonly timeoutMs?: number | undefined;
  /** The caller's. When it aborts, so does the deadline, with the same reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What takes the time, for the error: `"the query on replica-2"`. URLs in it are redacted.
   * @default "the operation"
   */
  readonly what?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * An instant at which its signal aborts. Disposing of it takes the timer and the listener away: a
 * signal that has not aborted by then never does, and `remainingMs` counts down to 0 all the same.
 */
export interface Deadline extends Disposable {
  /** Aborts with a {@link DeadlineExceededError}, or with the reason of the caller's signal. */
  readonly signal: AbortSignal;
  /** Milliseconds until the nearest deadline, this or one above; 0 when over, or Infinity. */
  remainingMs(): number;
}

/** `DEADLINE_EXCEEDED`: it was not done in time. It may or may not have taken effect. */
export class DeadlineExceededError extends HeadroomError<"DEADLINE_EXCEEDED"> {
  /** What was not done in time. */
  readonly what: string;
  /** How long it was given, in milliseconds. */
  readonly timeoutMs: number;

  static {
    Object.defineProperty(DeadlineExceededError.prototype, "name", {
      value: "DeadlineExceededError",
    });
  }

  constructor(what: string, timeoutMs: number) {
    super("DEADLINE_EXCEEDED", `${what} did not finish within ${timeoutMs} ms`, {
      retryable: true,
    });
    this.what = redactUrl(what);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * On the signal of a deadline, the deadline: it is known below, though only the signal arrives there.
 * A `WeakMap` would say the same, and cost more garbage collection than all the rest of this file.
 */
const DEADLINE = Symbol.for("headroom.deadline");

interface DeadlineSignal extends AbortSignal {
  [DEADLINE]?: Deadline;
}

/**
 * Starts a deadline for work that does not fit into one function. Dispose of it when the work is
 * over; {@link withDeadline} does so by itself.
 *
 * @throws TypeError or RangeError when an option is unknown or `timeoutMs` is negative.
 */
export function createDeadline(options: DeadlineOptions): Deadline {
  requireKnownOptions("deadline", options, ["timeoutMs", "signal", "what", "clock"]);
  const { timeoutMs = Number.POSITIVE_INFINITY } = options;
  if (timeoutMs !== Number.POSITIVE_INFINITY) requireNonNegative("timeoutMs", timeoutMs);
  const signal = requireSignal("signal", options.signal);
  const what = requireText("what", options.what ?? "the operation");
  const clock = requireClock("clock", options.clock ?? systemClock);

  const controller = new AbortController();
  const dueMs = clock.monotonicNow() + timeoutMs;
  const above = (signal as DeadlineSignal | undefined)?.[DEADLINE];
  let timer: Timer | undefined;
  let stopWaiting: (() => void) | undefined;
  const release = (): void => {
    timer?.cancel();
    stopWaiting?.();
  };
  const end = (reason: unknown): void => {
    release();
    controller.abort(reason);
  };
  const expire = (): void => end(new DeadlineExceededError(what, timeoutMs));

  if (signal?.aborted) end(signal.reason);
  else if (timeoutMs === 0) expire();
  else {
    stopWaiting = signal && onAbort(signal, () => end(signal.reason));
    if (timeoutMs !== Number.POSITIVE_INFINITY) timer = clock.timer(expire, timeoutMs);
  }
  const deadline: Deadline = {
    signal: controller.signal,
    remainingMs() {
      if (controller.signal.aborted) return 0;
      const leftMs = Math.max(0, dueMs - clock.monotonicNow());
      return above === undefined ? leftMs : Math.min(leftMs, above.remainingMs());
    },
    [Symbol.dispose]: release,
  };
  (deadline.signal as DeadlineSignal)[DEADLINE] = deadline;
  return deadline;
}

/**
 * Runs `work` and settles as it does, but at the deadline at the latest. `work` is not called when
 * the time is over, or the caller's signal aborted, before it could begin.
 *
 * @throws DeadlineExceededError `DEADLINE_EXCEEDED` when the time is over.
 * @throws `signal.reason`, unwrapped, when the caller's signal aborts.
 * @throws what `work` throws or rejects with.
 */
export async function withDeadline<Result>(
  options: DeadlineOptions,
  work: (signal: AbortSignal, deadline: Deadline) => Result | PromiseLike<Result>,
): Promise<Result> {
  const deadline = createDeadline(options);
  const { signal } = deadline;
  try {
    signal.throwIfAborted();
    return await unlessAborted(signal, () => work(signal, deadline));
  } finally {
    deadline[Symbol.dispose]();
  }
}
