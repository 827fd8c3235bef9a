/** Keys of entries that were let go a short while ago, without the entries. */

import { Slot, SlotList } from "./slot.ts";

/** A bounded set of keys; the oldest is forgotten for the newest. Every operation is O(1). */
export class GhostKeys {
  // A Set would remember the order as well, but finding its first element passes all deleted ones.
  readonly #ghosts = new Map<string, Slot<undefined>>();
  readonly #order = new SlotList<undefined>();

  get size(): number {
    return this.#ghosts.size;
  }

  /** @param most how many keys may be remembered now; at least 1. */
  add(key: string, most: number): void {
    this.take(key);
    while (this.#ghosts.size >= Math.max(1, most)) {
      const { oldest } = this.#order;
      if (oldest === undefined) break;
      this.take(oldest.key);
    }
    const ghost = new Slot(key, undefined, 0);
    this.#order.push(ghost);
    this.#ghosts.set(key, ghost);
  }

  /** Forgets it. @returns whether it was remembered. */
  take(key: string): boolean {
    const ghost = this.#ghosts.get(key);
    if (ghost === undefined) return false;
    ghost.leave();
    return this.#ghosts.delete(key);
  }

  clear(): void {
    this.#ghosts.clear();
    this.#order.clear();
  }
}
