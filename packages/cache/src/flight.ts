/**
 * One read or refresh of one key under way, and who waits for it.
 *
 * All who ask meanwhile get its promise, also when it fails: they do not try one after the other.
 * It may be *forgotten*: an invalidation came, and whoever asks from then on must not get what it
 * finds; those who asked before may. What is forgotten may not be kept either, so `current` is
 * looked at in the same tick in which a value is put into the process's tier.
 *
 * It may be answered before it is over: with a stale value, while the load goes on.
 */

import { onAbort } from "@headroom/core/on-abort";

export class Flight {
  readonly key: string;
  readonly promise: Promise<unknown>;
  /** False once forgotten or abandoned. */
  current = true;
  /** Whether its callers have their answer. */
  answered = false;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  #controller: AbortController | undefined;
  #callers = 0;
  #abandonable = true;

  constructor(key: string) {
    this.key = key;
    let settle: [(value: unknown) => void, (reason: unknown) => void] = [ignore, ignore];
    this.promise = new Promise((resolve, reject) => {
      settle = [resolve, reject];
    });
    [this.#resolve, this.#reject] = settle;
  }

  /** Aborts the load; made when a load begins. */
  get controller(): AbortController {
    this.#controller ??= new AbortController();
    return this.#controller;
  }

  answer(value: unknown): void {
    this.answered = true;
    this.#resolve(value);
  }

  fail(reason: unknown): void {
    this.answered = true;
    this.#reject(reason);
  }

  /** Whoever waits without a signal waits to the end. */
  join(): Promise<unknown> {
    this.#abandonable = false;
    return this.promise;
  }

  /**
   * Waits until `signal` aborts. When the last one has left, the load is given up.
   * @param abandoned called then, before the loader hears of it.
   */
  joinUntil(signal: AbortSignal, abandoned: () => void): Promise<unknown> {
    this.#callers++;
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => {
        reject(signal.reason);
        this.#callers--;
        if (this.#callers > 0 || !this.#abandonable || this.answered) return;
        this.current = false;
        abandoned();
        this.controller.abort(signal.reason);
      });
      const done = (): void => {
        stop();
        this.#callers--;
      };
      this.promise.then(
        (value) => {
          done();
          resolve(value);
        },
        (reason) => {
          done();
          reject(reason);
        },
      );
    });
  }

  /** Nobody may leave the work undone: it goes on in the background. */
  keepFlying(): this {
    this.#abandonable = false;
    // It may fail with nobody waiting.
    this.promise.catch(ignore);
    return this;
  }
}

function ignore(): void {}
