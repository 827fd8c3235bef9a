/**
 * Of many requests at once that all find the session long unused, one notes the use: a page that asks
 * for a hundred things would otherwise write as often.
 */

import { LRUCache } from "lru-cache";

const MOST = 10_000;

export class TouchThrottle {
  readonly #everyMs: number;
  readonly #notedAtMs = new LRUCache<string, number>({ max: MOST });

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Whether nobody in this process has noted a use of this session for so long; the caller does so now. */
  isFirst(key: string, nowMs: number): boolean {
    const lastMs = this.#notedAtMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < this.#everyMs) return false;
    this.#notedAtMs.set(key, nowMs);
    return true;
  }

  /** The note was not taken. */
  forget(key: string): void {
    this.#notedAtMs.delete(key);
  }
}
