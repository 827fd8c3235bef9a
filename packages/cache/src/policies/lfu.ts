/**
 * Least frequently used: the entry goes that was read least, among equals the one whose last read
 * is longest ago.
 *
 * There is a list of entries for each count; a read moves its entry to the end of the next list,
 * and the victim is the oldest of the lowest list that is not empty. Counting alone would keep for
 * ever what was popular once, so counts end at 15 and are halved from time to time: an old
 * favourite that nobody reads any more is at the bottom after four halvings.
 *
 * A halving costs no walk through the entries. The lists are appended to each other (2 and 3 to 1,
 * 4 and 5 to 2, …), and an entry's own count is halved when it is next read: it knows at which
 * halving its count was written.
 *
 * What it does not guarantee: that a new entry gets a chance. In a full store of entries that have
 * all been read twice, new ones push out each other until halving makes room. Where tastes change
 * quickly, `lru` and `s3fifo` follow faster.
 *
 * Sources: Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme",
 * 2010 (a list for each count); Einziger, Friedman, Manes, "TinyLFU", ACM Transactions on Storage
 * 13 (2017), section 3.3 (halving once in as many accesses as a multiple of the entries; counts of
 * four bits).
 */

import type { LocalStore, LocalStoreLimits } from "../local-store.ts";
import { type EvictionOrder, OrderedStore } from "./ordered-store.ts";
import { type Slot, SlotList } from "./slot.ts";

const HIGHEST_COUNT = 15;
/** Counts are halved after this many accesses for each entry there is. */
const ACCESSES_AN_ENTRY = 10;

/** Every operation is O(1), ageing included. */
export function lfu<Entry>(limits: LocalStoreLimits): LocalStore<Entry> {
  return new OrderedStore(new FrequencyLists<Entry>(), limits);
}

class FrequencyLists<Entry> implements EvictionOrder<Entry> {
  /** By count, from 1: `#lists[0]` has the entries that were read least. */
  readonly #lists = Array.from({ length: HIGHEST_COUNT }, () => new SlotList<Entry>());
  #entries = 0;
  #accesses = 0;
  /** How often counts were halved; a slot's `mark` is what it was when `uses` was written. */
  #halvings = 0;

  add(slot: Slot<Entry>): void {
    this.#entries++;
    this.#put(slot, 1);
  }

  use(slot: Slot<Entry>): void {
    slot.leave();
    this.#put(slot, this.#countOf(slot) + 1);
  }

  remove(slot: Slot<Entry>): void {
    this.#entries--;
    slot.leave();
  }

  resize(): void {}

  evict(): Slot<Entry> | undefined {
    for (const list of this.#lists) {
      const { oldest } = list;
      if (oldest === undefined) continue;
      this.remove(oldest);
      return oldest;
    }
    return undefined;
  }

  clear(): void {
    for (const list of this.#lists) list.clear();
    this.#entries = 0;
    this.#accesses = 0;
  }

  #put(slot: Slot<Entry>, count: number): void {
    slot.uses = Math.min(count, HIGHEST_COUNT);
    slot.mark = this.#halvings;
    this.#lists[slot.uses - 1]?.push(slot);
    this.#accesses++;
    if (this.#accesses >= ACCESSES_AN_ENTRY * this.#entries) this.#halve();
  }

  #countOf(slot: Slot<Entry>): number {
    // More than four halvings leave nothing of 15, and a shift by 32 would shift by none.
    const halvings = Math.min(this.#halvings - slot.mark, 4);
    return Math.max(1, slot.uses >> halvings);
  }

  #halve(): void {
    this.#accesses = 0;
    this.#halvings++;
    const lists = this.#lists;
    for (let count = 2; count <= HIGHEST_COUNT; count++) {
      const from = lists[count - 1];
      if (from !== undefined) lists[Math.floor(count / 2) - 1]?.take(from);
    }
  }
}
