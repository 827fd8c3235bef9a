/**
 * A load that has just failed is not tried again at once.
 *
 * A database that is down is asked for the same row by every request that comes. For a short time
 * after a failure they get that same failure, and the database one call a key and interval.
 */

import { LRUCache } from "lru-cache";

interface Failure {
  readonly reason: unknown;
  readonly untilMs: number;
}

const MOST_KEYS = 1_000;

export class ErrorThrottle {
  readonly #throttleMs: number;
  readonly #failures = new LRUCache<string, Failure>({ max: MOST_KEYS });

  /** @param throttleMs how long a failure counts, in milliseconds; 0 is not at all. */
  constructor(throttleMs: number) {
    this.#throttleMs = throttleMs;
  }

  failed(key: string, reason: unknown, nowMs: number): void {
    if (this.#throttleMs === 0) return;
    this.#failures.set(key, { reason, untilMs: nowMs + this.#throttleMs });
  }

  /** The failure that still counts. */
  recent(key: string, nowMs: number): Failure | undefined {
    if (this.#failures.size === 0) return undefined;
    const failure = this.#failures.peek(key);
    if (failure === undefined || nowMs < failure.untilMs) return failure;
    this.#failures.delete(key);
    return undefined;
  }

  forget(key: string): void {
    if (this.#failures.size > 0) this.#failures.delete(key);
  }

  clear(): void {
    this.#failures.clear();
  }
}
