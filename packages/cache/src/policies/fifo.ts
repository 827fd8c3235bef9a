/**
 * First in, first out: the oldest entry goes, however often it is read.
 *
 * A hit changes nothing, which makes it the cheapest; it forgets what is popular together with
 * what is not. For entries that are all read about as often, or soon after they come in.
 */

import type { LocalStore, LocalStoreLimits } from "../local-store.ts";
import { type EvictionOrder, OrderedStore } from "./ordered-store.ts";
import { type Slot, SlotList } from "./slot.ts";

/** Every operation is O(1). */
export function fifo<Entry>(limits: LocalStoreLimits): LocalStore<Entry> {
  return new OrderedStore(new Queue<Entry>(), limits);
}

class Queue<Entry> implements EvictionOrder<Entry> {
  readonly #slots = new SlotList<Entry>();

  add(slot: Slot<Entry>): void {
    this.#slots.push(slot);
  }

  use(): void {}

  remove(slot: Slot<Entry>): void {
    slot.leave();
  }

  resize(): void {}

  evict(): Slot<Entry> | undefined {
    const { oldest } = this.#slots;
    oldest?.leave();
    return oldest;
  }

  clear(): void {
    this.#slots.clear();
  }
}
