/**
 * No more at a time than there is room for, and no long queue before the door.
 *
 * When targets become slow, requests pile up in whoever sends them: each holds memory, a socket, a
 * caller who waits. Without a limit the process itself goes down with its targets. So only
 * `maxInFlight` requests are under way at a time. A burst may wait for room, in order of arrival;
 * but only so many and only so long, because an answer that comes after its caller has gone is work
 * for nobody. What finds the queue full is turned away *at once*, while it can still go elsewhere.
 *
 * Invariants:
 * - Never more than `maxInFlight` inside.
 * - Nobody waits while there is room: whoever leaves hands the room to the first who waits, and
 *   nobody who comes in between can take it.
 * - Who gives up, by signal or because it took too long, is out of the queue in that moment,
 *   wherever it stood: its place is free, its timer and its listener are gone. The queue is a
 *   linked list, so all this is O(1) however many wait.
 *
 * A room that was handed over belongs to who waited, also when its signal aborts before it goes on:
 * it has entered and must leave.
 *
 * Sources: M. Nygard, "Release It!" (the pattern); Envoy's circuit breakers (max_requests,
 * max_pending_requests).
 */

import type { Clock, Timer } from "@headroom/core/clock";
import { onAbort } from "@headroom/core/on-abort";
import {
  requireClock,
  requireCount,
  requirePositive,
  requireSignal,
  requireText,
} from "@headroom/core/options";
import { LbError } from "./errors.ts";

/** Why somebody was turned away: the queue was full, or the wait was over. */
export type BulkheadRejection = "overloaded" | "queue-timeout";

export interface BulkheadOptions {
  /** How many may be inside at a time; `Infinity` for no limit. */
  readonly maxInFlight: number;
  /** How many may wait; 0 for none. */
  readonly maxQueued: number;
  /** How long one may wait, in milliseconds. */
  readonly queueTimeoutMs: number;
  readonly clock: Clock;
  /** The name of the balancer, for errors. */
  readonly pool: string;
  /** Is called when `enter` turns somebody away; not for `tryEnter`, nor for a signal. */
  readonly onRejected?: ((reason: BulkheadRejection) => void) | undefined;
}

export interface EnterOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** One who waits: a link of the queue. */
interface Waiter {
  readonly admit: () => void;
  previous: Waiter | undefined;
  next: Waiter | undefined;
}

/** Limits how many are inside, and how many wait to be. */
export class Bulkhead {
  readonly #maxInFlight: number;
  readonly #maxQueued: number;
  readonly #queueTimeoutMs: number;
  readonly #clock: Clock;
  readonly #pool: string;
  readonly #onRejected: ((reason: BulkheadRejection) => void) | undefined;
  #inFlight = 0;
  #queued = 0;
  #first: Waiter | undefined;
  #last: Waiter | undefined;

  /** @throws TypeError or RangeError naming the option that is missing or out of its range. */
  constructor(options: BulkheadOptions) {
    const { maxInFlight } = options;
    const isLimited = maxInFlight !== Number.POSITIVE_INFINITY;
    this.#maxInFlight = isLimited ? requireCount("maxInFlight", maxInFlight) : maxInFlight;
    this.#maxQueued = requireCount("maxQueued", options.maxQueued, { min: 0 });
    this.#queueTimeoutMs = requirePositive("queueTimeoutMs", options.queueTimeoutMs);
    this.#clock = requireClock("clock", options.clock);
    this.#pool = requireText("pool", options.pool);
    this.#onRejected = options.onRejected;
  }

  /** How many are inside. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many wait. */
  get queued(): number {
    return this.#queued;
  }

  /** Enters if there is room, without waiting; `true` is to be followed by one `leave`. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#maxInFlight) return false;
    this.#inFlight++;
    return true;
  }

  /**
   * Enters when there is room; to be followed by one `leave`.
   *
   * @throws LbError `LB_OVERLOADED` at once when the queue is full, or after `queueTimeoutMs`.
   * @throws `signal.reason`, unwrapped, when `signal` aborts before there is room.
   */
  async enter(options: EnterOptions = {}): Promise<void> {
    const signal = requireSignal("signal", options.signal);
    signal?.throwIfAborted();
    if (this.tryEnter()) return;
    if (this.#queued >= this.#maxQueued) throw this.#rejected("overloaded");
    await this.#wait(signal);
  }

  /**
   * Makes room: for the first who waits, if there is one.
   * @throws Error when nobody is inside: a `leave` too many would let one too many in.
   */
  leave(): void {
    if (this.#inFlight === 0) throw new Error("leave() without enter(): nobody is inside");
    const next = this.#first;
    if (next === undefined) this.#inFlight--;
    else next.admit();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopWaiting = (): void => {
        this.#unlink(waiter);
        timer.cancel();
        ignoreSignal?.();
      };
      const admit = (): void => {
        stopWaiting();
        resolve();
      };
      const waiter = this.#append(admit);
      const timer: Timer = this.#clock.timer(() => {
        stopWaiting();
        reject(this.#rejected("queue-timeout"));
      }, this.#queueTimeoutMs);
      const ignoreSignal =
        signal &&
        onAbort(signal, () => {
          stopWaiting();
          reject(signal.reason);
        });
    });
  }

  #append(admit: () => void): Waiter {
    const waiter: Waiter = { admit, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    this.#queued++;
    return waiter;
  }

  #unlink({ previous, next }: Waiter): void {
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#queued--;
  }

  #rejected(reason: BulkheadRejection): LbError {
    this.#onRejected?.(reason);
    const why =
      reason === "overloaded"
        ? `${this.#queued} wait for room, as many as may`
        : `there was no room within ${this.#queueTimeoutMs} ms`;
    const state = `load balancer "${this.#pool}" has ${this.#inFlight} requests under way, its limit`;
    const advice = "the request was not sent, try again later";
    return new LbError("LB_OVERLOADED", `${state}, and ${why}: ${advice}`, { pool: this.#pool });
  }
}
