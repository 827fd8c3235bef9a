/**
 * Invalidations that did not reach the store, until they do.
 *
 * An invalidation that fails is the worst that can happen to a cache: the store keeps a value which
 * is known to be wrong. So it is kept here and tried again until the store takes it; meanwhile this
 * process reads none of these keys from the store. Doing it twice does no harm, and of several
 * invalidations of one key one is enough.
 *
 * The number is bounded. When there are too many they become one: everything in this cache.
 *
 * It is this process's memory: what is still pending when the process ends is lost, and the old
 * value lives until its time is over.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";

export interface PendingInvalidationsOptions {
  /** Invalidates these in the store; rejects when it cannot. */
  readonly invalidate: (keys: readonly string[], holdForMs: number) => Promise<void>;
  readonly bump: (tags: readonly string[]) => Promise<void>;
  /** The tag that every entry has. */
  readonly everything: string;
  /** More keys and tags than this become `everything`. */
  readonly most: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** One request; a later one for the same key is another, which the end of the first does not settle. */
interface Pending {
  /** How long nothing may be stored under the key, from the time it is done. */
  readonly holdForMs: number;
}

const BACKOFF: Backoff = fullJitterBackoff({ baseMs: 100, maxMs: 5_000 });
/** So many in one command. */
const MOST_AT_ONCE = 500;

export class PendingInvalidations {
  readonly #options: PendingInvalidationsOptions;
  readonly #keys = new Map<string, Pending>();
  readonly #tags = new Map<string, Pending>();
  #timer: Timer | undefined;
  #attempt = 0;
  #closed = false;

  constructor(options: PendingInvalidationsOptions) {
    this.#options = options;
  }

  /** How many keys and tags are waiting. */
  get size(): number {
    return this.#keys.size + this.#tags.size;
  }

  /** Whether what the store has under this key is known to be wrong. */
  has(key: string): boolean {
    return this.#keys.has(key) || this.#tags.has(this.#options.everything);
  }

  addKeys(keys: readonly string[], holdForMs: number): void {
    for (const key of keys) {
      const before = this.#keys.get(key)?.holdForMs ?? 0;
      this.#keys.set(key, { holdForMs: Math.max(holdForMs, before) });
    }
    this.#added();
  }

  addTags(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.set(tag, { holdForMs: 0 });
    this.#added();
  }

  /**
   * Tries once, now.
   * @returns whether nothing is left.
   */
  async flush(): Promise<boolean> {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      await this.#replay();
      this.#attempt = 0;
      return this.size === 0;
    } catch {
      // The store has told its reason to telemetry; this one tries again.
      this.#attempt++;
      return false;
    } finally {
      if (this.size > 0) this.#later();
    }
  }

  /** Tries a last time. */
  async close(): Promise<boolean> {
    this.#closed = true;
    return this.size === 0 || (await this.flush());
  }

  #added(): void {
    if (this.size > this.#options.most) this.#keepEverything();
    if (this.#timer === undefined) this.#later();
  }

  #keepEverything(): void {
    this.#keys.clear();
    this.#tags.clear();
    this.#tags.set(this.#options.everything, { holdForMs: 0 });
  }

  #later(): void {
    if (this.#closed) return;
    const { clock, random } = this.#options;
    this.#timer = clock.timer(() => void this.flush(), BACKOFF(this.#attempt + 1, random, 0));
  }

  async #replay(): Promise<void> {
    while (this.#tags.size > 0) {
      const batch = [...this.#tags].slice(0, MOST_AT_ONCE);
      await this.#options.bump(batch.map(([tag]) => tag));
      settle(this.#tags, batch);
    }
    while (this.#keys.size > 0) {
      const [first] = this.#keys.values();
      const holdForMs = first?.holdForMs ?? 0;
      const batch = [...this.#keys]
        .filter(([, pending]) => pending.holdForMs === holdForMs)
        .slice(0, MOST_AT_ONCE);
      await this.#options.invalidate(
        batch.map(([key]) => key),
        holdForMs,
      );
      settle(this.#keys, batch);
    }
  }
}

function settle(map: Map<string, Pending>, done: readonly (readonly [string, Pending])[]): void {
  for (const [name, pending] of done) {
    if (map.get(name) === pending) map.delete(name);
  }
}
