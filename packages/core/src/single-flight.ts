/**
 * Many callers, one load.
 *
 * When a popular key is missing, a thousand requests ask for it within the time one load takes, and
 * the database would be asked a thousand times for the same row. Here the first caller starts the
 * load and all others of that key share its promise, and its failure: not a mutex, behind which
 * they would try again one after the other.
 *
 * Invariants
 *
 * - **At most one current flight a key.** A flight is recognised by its identity. When it ends, it
 *   frees the slot only if the slot is still its own; a slow old flight cannot push out a new one.
 * - **After `forget(key)`, nobody new joins the old flight.** What was being loaded may be stale, so
 *   whoever comes later loads afresh; whoever came earlier still gets the old result, which was
 *   true when asked for. The load itself can see this: a cache stores its value only while
 *   `isCurrent()`, and checks that in the same tick in which it stores.
 * - **No caller ends another's wait.** An aborted caller leaves alone; when the last one has left,
 *   the load's own signal aborts and the slot is free.
 * - **No flight lasts for ever.** A load that hangs fails at the time limit for all who wait, and
 *   the next caller starts anew. That is also how a load ends which asks for its own key: it joins
 *   itself, and waits for itself.
 *
 * This is one process. Ten processes make up to ten loads; sharing those takes a lease in a store.
 */

import { type Clock, systemClock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { onAbort } from "./on-abort.ts";
import {
  requireClock,
  requireKnownOptions,
  requirePositive,
  requireSignal,
  requireText,
} from "./options.ts";

export interface SingleFlightOptions {
  /**
   * How long one load may take, in milliseconds.
   * @default 30_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * What is loaded, for the message when it takes too long: `"loading a user"`.
   * @default "the shared load"
   */
  readonly what?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** One load under way, as the load itself sees it. */
export interface Flight {
  /** Aborts when every caller has left, with the last one's reason, or when the time is over. */
  readonly signal: AbortSignal;
  /** False once the key has been forgotten or `signal` aborted: then nothing may be stored. */
  isCurrent(): boolean;
}

export interface JoinOptions {
  /** Ends this caller's wait alone, with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** A flight as its callers share it. The object's identity is the token that owns the slot. */
interface SharedLoad<Value> {
  readonly promise: Promise<Value>;
  readonly abandoned: AbortController;
  callers: number;
}

/** Loads under way, by key. A key is whatever a `Map` tells apart. */
export class SingleFlight<Key, Value> {
  readonly #current = new Map<Key, SharedLoad<Value>>();
  readonly #timeoutMs: number;
  readonly #what: string;
  readonly #clock: Clock;

  /** @throws TypeError or RangeError when an option is unknown or `timeoutMs` is not positive. */
  constructor(options: SingleFlightOptions = {}) {
    requireKnownOptions("SingleFlight", options, ["timeoutMs", "what", "clock"]);
    this.#timeoutMs = requirePositive("timeoutMs", options.timeoutMs ?? 30_000);
    this.#what = requireText("what", options.what ?? "the shared load");
    this.#clock = requireClock("clock", options.clock ?? systemClock);
  }

  /** How many keys have a current flight. */
  get size(): number {
    return this.#current.size;
  }

  /** Whether `run` would join a flight instead of starting one. */
  has(key: Key): boolean {
    return this.#current.has(key);
  }

  /**
   * The result of the current flight of `key`; if there is none, starts one with `load`.
   *
   * @throws DeadlineExceededError `DEADLINE_EXCEEDED` when the load takes too long.
   * @throws `signal.reason`, unwrapped, when this caller's signal aborts.
   * @throws what `load` throws or rejects with, the same for all who share it.
   */
  run(
    key: Key,
    load: (flight: Flight) => Value | PromiseLike<Value>,
    options: JoinOptions = {},
  ): Promise<Value> {
    const signal = requireSignal("signal", options.signal);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const shared = this.#current.get(key) ?? this.#start(key, load);
    shared.callers++;
    return signal === undefined ? shared.promise : this.#follow(key, shared, signal);
  }

  /**
   * The next caller of `key` starts a new flight. Those who wait keep theirs.
   * @returns whether there was one.
   */
  forget(key: Key): boolean {
    return this.#current.delete(key);
  }

  /** `forget` for every key. */
  forgetAll(): void {
    this.#current.clear();
  }

  #start(key: Key, load: (flight: Flight) => Value | PromiseLike<Value>): SharedLoad<Value> {
    const abandoned = new AbortController();
    const fly = (signal: AbortSignal): Value | PromiseLike<Value> => {
      // At once, before the load itself hears of it: nobody may join what is given up.
      onAbort(signal, () => this.#free(key, shared));
      return load({ signal, isCurrent: () => this.#current.get(key) === shared });
    };
    const limits = {
      timeoutMs: this.#timeoutMs,
      signal: abandoned.signal,
      what: this.#what,
      clock: this.#clock,
    };
    // One microtask later, when the slot is taken: a `load` that asks for its own key would start
    // itself without end. So it joins itself instead, and fails at the time limit.
    const promise = Promise.resolve()
      .then(() => withDeadline(limits, fly))
      .finally(() => this.#free(key, shared));
    const shared: SharedLoad<Value> = { promise, abandoned, callers: 0 };
    this.#current.set(key, shared);
    return shared;
  }

  #follow(key: Key, shared: SharedLoad<Value>, signal: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      const stopWaiting = onAbort(signal, () => {
        reject(signal.reason);
        shared.callers--;
        if (shared.callers > 0) return;
        this.#free(key, shared);
        shared.abandoned.abort(signal.reason);
      });
      void shared.promise.then(resolve, reject).finally(stopWaiting);
    });
  }

  #free(key: Key, shared: SharedLoad<Value>): void {
    if (this.#current.get(key) === shared) this.#current.delete(key);
  }
}
