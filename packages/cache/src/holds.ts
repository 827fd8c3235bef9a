/** Keys under which nothing may be kept for a while, as this process knows them. */

import type { Clock } from "@headroom/core/clock";
import { LRUCache } from "lru-cache";

const MOST_KEYS = 10_000;

export class Holds {
  readonly #clock: Clock;
  readonly #until = new LRUCache<string, number>({ max: MOST_KEYS });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string, forMs: number): void {
    if (forMs <= 0) return;
    const untilMs = this.#clock.monotonicNow() + forMs;
    this.#until.set(key, Math.max(untilMs, this.#until.peek(key) ?? 0));
  }

  has(key: string): boolean {
    if (this.#until.size === 0) return false;
    const untilMs = this.#until.peek(key);
    if (untilMs === undefined) return false;
    if (this.#clock.monotonicNow() < untilMs) return true;
    this.#until.delete(key);
    return false;
  }
}
