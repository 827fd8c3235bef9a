/**
 * Least recently used: the entry goes whose last read is longest ago. It is lru-cache, as it is.
 *
 * The choice that is seldom wrong: what was just read is likely to be read again. A scan through
 * more keys than there is room for empties it.
 */

import { LRUCache } from "lru-cache";
import type { LocalStore, LocalStoreLimits } from "../local-store.ts";

/** Entries must be objects: lru-cache takes `undefined` for a deletion. All operations are O(1). */
export function lru<Entry extends object>(limits: LocalStoreLimits): LocalStore<Entry> {
  return new LruStore(limits);
}

class LruStore<Entry extends object> implements LocalStore<Entry> {
  readonly #cache: LRUCache<string, Entry>;
  #evictions = 0;

  constructor({ maxEntries, maxBytes }: LocalStoreLimits) {
    this.#cache = new LRUCache({
      max: maxEntries,
      // lru-cache adds up sizes only if there is a limit of them, and takes whole numbers.
      maxSize: Math.floor(Math.min(maxBytes, Number.MAX_SAFE_INTEGER)),
      dispose: (_entry, _key, reason) => {
        if (reason === "evict") this.#evictions++;
      },
    });
  }

  get size(): number {
    return this.#cache.size;
  }

  get bytes(): number {
    return this.#cache.calculatedSize;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): Entry | undefined {
    return this.#cache.get(key);
  }

  peek(key: string): Entry | undefined {
    return this.#cache.peek(key);
  }

  set(key: string, entry: Entry, bytes: number): void {
    this.#cache.set(key, entry, { size: bytes });
  }

  delete(key: string): boolean {
    return this.#cache.delete(key);
  }

  clear(): void {
    this.#cache.clear();
  }
}
