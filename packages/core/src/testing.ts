/**
 * A clock that stands still until a test moves it.
 *
 * Code under test and test run in one thread, so "time passes" must also mean "the code that waited
 * for it has run". {@link ManualClock.advance} therefore stops at each timer on its way, calls it,
 * and lets every promise chain that this set off run to its end, however long, before it goes on.
 * A timer which such code creates is met in the same `advance` if it is due in time. Three retries
 * with backoff pass in one call, each at its exact instant.
 *
 * Timers fire in order of their due time, and those of one instant in the order of creation, as
 * Node's do. Instants are sums of doubles: ten `advance(0.1)` are not quite 1 ms, so let a test count
 * in whole milliseconds. What waits for real I/O is not waited for: its time is not this clock's.
 */

import { type Clock, requireDelay, sleepOn, type Timer } from "./clock.ts";
import { requireKnownOptions, requireNonNegative } from "./options.ts";

/** A {@link Clock} for tests: its time moves by `advance` alone. */
export interface ManualClock extends Clock {
  /**
   * Moves both readings by `ms` and fires the timers that become due, each at its own instant.
   * @throws what a timer's callback throws; time then stays at that timer's instant.
   * @throws Error when an earlier call is not finished, or when a loop waits without time passing.
   */
  advance(ms: number): Promise<void>;
  /**
   * Moves to the next timer and fires it, with all others of that instant.
   * `while (await clock.advanceToNext());` runs until nothing waits any more.
   * @returns false when no timer was pending.
   */
  advanceToNext(): Promise<boolean>;
  /** Sets the wall clock, as an administrator or NTP would. Timers and `monotonicNow()` stay. */
  setNow(ms: number): void;
  /** How many timers (and sleeps) have neither fired nor been cancelled. */
  readonly pending: number;
}

export interface ManualClockOptions {
  /**
   * The first wall time, in milliseconds since the epoch.
   * @default 2026-01-01T00:00:00Z
   */
  readonly nowMs?: number | undefined;
}

/** More than any sound test fires at one instant: then a loop sleeps 0 ms and would never end. */
const MOST_AT_ONE_INSTANT = 100_000;

/** A clock at a fixed instant. Its `monotonicNow()` starts at 0. */
export function createManualClock(options: ManualClockOptions = {}): ManualClock {
  requireKnownOptions("createManualClock", options, ["nowMs"]);
  const { nowMs = Date.UTC(2026, 0) } = options;
  const timeline = new Timeline();
  let wall = { ms: requireNonNegative("nowMs", nowMs), setAtMs: 0 };
  const clock: ManualClock = {
    now: () => wall.ms + Math.floor(timeline.ms - wall.setAtMs),
    monotonicNow: () => timeline.ms,
    timer: (callback, delayMs) => timeline.add(callback, delayMs),
    sleep: (delayMs, sleepOptions) => sleepOn(clock, delayMs, sleepOptions),
    async advance(ms) {
      const byMs = requireNonNegative("ms", ms);
      await timeline.moveTo(() => timeline.ms + byMs);
    },
    advanceToNext: () => timeline.moveTo(() => timeline.nextDueMs),
    setNow(ms) {
      wall = { ms: requireNonNegative("ms", ms), setAtMs: timeline.ms };
    },
    get pending() {
      return timeline.pending;
    },
  };
  return clock;
}

interface Entry {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** An instant and what is to happen after it. */
class Timeline {
  ms = 0;
  readonly #entries: Entry[] = []; // in firing order
  #moving = false;

  get pending(): number {
    return this.#entries.length;
  }

  /** The instant of the next timer; undefined when there is none that ever comes. */
  get nextDueMs(): number | undefined {
    const dueMs = this.#entries[0]?.dueMs;
    return dueMs === Number.POSITIVE_INFINITY ? undefined : dueMs;
  }

  add(callback: () => void, delayMs: number): Timer {
    const entry: Entry = { dueMs: this.ms + requireDelay(delayMs), callback };
    const before = this.#entries.findLastIndex((other) => other.dueMs <= entry.dueMs);
    this.#entries.splice(before + 1, 0, entry);
    const cancel = (): void => {
      const at = this.#entries.indexOf(entry);
      if (at >= 0) this.#entries.splice(at, 1);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** False when `target`, asked once all that was just started has set its timers, has no answer. */
  async moveTo(target: () => number | undefined): Promise<boolean> {
    if (this.#moving) throw new Error("the clock is advancing already: await the earlier call");
    this.#moving = true;
    try {
      await drainMicrotasks();
      const targetMs = target();
      if (targetMs !== undefined) await this.#fireUntil(targetMs);
      return targetMs !== undefined;
    } finally {
      this.#moving = false;
    }
  }

  async #fireUntil(targetMs: number): Promise<void> {
    let firedAtInstant = 0;
    for (;;) {
      const next = this.#entries[0];
      if (next === undefined || next.dueMs > targetMs) break;
      firedAtInstant = next.dueMs > this.ms ? 1 : firedAtInstant + 1;
      if (firedAtInstant > MOST_AT_ONE_INSTANT) {
        throw new Error(`${MOST_AT_ONE_INSTANT} timers fired at one instant: who sleeps 0 ms?`);
      }
      this.ms = next.dueMs;
      this.#entries.shift();
      next.callback();
      await drainMicrotasks();
    }
    this.ms = targetMs;
  }
}

/** Captured, so that a test framework's fake timers do not stop us. */
const immediately = setImmediate;

/** Immediates run when no microtask is left, whatever the length of the chains. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => immediately(resolve));
}
