/**
 * S3-FIFO: three queues, none of which a hit ever touches.
 *
 *     new ──► small (a tenth) ───── read ─────► main (the rest) ◄─┐
 *               │                              │ └──read since───┘
 *               ▼                              ▼
 *       forgotten, its key noted            forgotten
 *
 * Most entries of most workloads are never read again; the small queue lets them go before they
 * push out anything of worth. An entry that was read while it was there moves to the main queue,
 * where each later read (up to three) buys it another round. Whoever goes from the small queue
 * leaves its key behind in the ghosts; if it comes again while it is remembered, it was let go too
 * soon and comes straight into the main queue.
 *
 * A hit is one increment. Scans leave the main queue alone. The counts end at 3, so that an old
 * favourite leaves after four rounds without a read.
 *
 * The tenth is a tenth of `maxEntries` or of `maxBytes`, whichever is reached first: where the
 * limit of bytes holds, the small queue is bounded by bytes.
 *
 * What it does not guarantee: an eviction is O(1) on average; if everything in the main queue was
 * read three times since, one eviction goes round it three times. Where nothing counts but how long
 * ago an entry was read, and it is read a few times at all, `lru` hits more: an entry whose second
 * read comes after it has left the small queue costs one more miss.
 *
 * Source: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction",
 * SOSP 2023, section 4 and algorithm 1. It differs in one number: there it takes two reads to move from
 * small to main. One was as good or better on every trace of `hit-ratio.test.ts`, by up to 1.4 points.
 */

import type { LocalStore, LocalStoreLimits } from "../local-store.ts";
import { GhostKeys } from "./ghost-keys.ts";
import { type EvictionOrder, OrderedStore } from "./ordered-store.ts";
import { type Slot, SlotList } from "./slot.ts";

const MOST_USES = 3;
const SMALL_SHARE = 0.1;

const SMALL = 0;
const MAIN = 1;

/** `get`, `set` and `delete` are O(1), evictions on average. */
export function s3fifo<Entry>(limits: LocalStoreLimits): LocalStore<Entry> {
  return new OrderedStore(new ThreeQueues<Entry>(limits), limits);
}

class ThreeQueues<Entry> implements EvictionOrder<Entry> {
  readonly #small: Queue<Entry> = new Queue();
  readonly #main: Queue<Entry> = new Queue();
  readonly #ghosts = new GhostKeys();
  readonly #smallEntries: number;
  readonly #smallBytes: number;

  constructor({ maxEntries, maxBytes }: LocalStoreLimits) {
    this.#smallEntries = Math.max(1, Math.floor(maxEntries * SMALL_SHARE));
    this.#smallBytes = maxBytes * SMALL_SHARE;
  }

  add(slot: Slot<Entry>): void {
    slot.uses = 0;
    this.#put(slot, this.#ghosts.take(slot.key) ? MAIN : SMALL);
  }

  use(slot: Slot<Entry>): void {
    if (slot.uses < MOST_USES) slot.uses++;
  }

  remove(slot: Slot<Entry>): void {
    this.#queueOf(slot).remove(slot);
  }

  resize(slot: Slot<Entry>, bytes: number): void {
    this.#queueOf(slot).bytes += bytes - slot.bytes;
  }

  evict(): Slot<Entry> | undefined {
    for (;;) {
      const fromSmall = this.#smallIsOver() || this.#main.entries === 0;
      const slot = fromSmall ? this.#small.shift() : this.#main.shift();
      if (slot === undefined) return undefined;
      if (fromSmall) {
        if (slot.uses === 0) {
          this.#ghosts.add(slot.key, this.#small.entries + this.#main.entries);
          return slot;
        }
        slot.uses = 0;
      } else {
        if (slot.uses === 0) return slot;
        slot.uses--;
      }
      this.#put(slot, MAIN);
    }
  }

  clear(): void {
    this.#small.clear();
    this.#main.clear();
    this.#ghosts.clear();
  }

  #put(slot: Slot<Entry>, mark: typeof SMALL | typeof MAIN): void {
    slot.mark = mark;
    this.#queueOf(slot).push(slot);
  }

  #queueOf(slot: Slot<Entry>): Queue<Entry> {
    return slot.mark === MAIN ? this.#main : this.#small;
  }

  #smallIsOver(): boolean {
    const { entries, bytes } = this.#small;
    return entries >= this.#smallEntries || bytes >= this.#smallBytes;
  }
}

/** A list that knows how much is in it. */
class Queue<Entry> {
  readonly #slots = new SlotList<Entry>();
  entries = 0;
  bytes = 0;

  push(slot: Slot<Entry>): void {
    this.#slots.push(slot);
    this.entries++;
    this.bytes += slot.bytes;
  }

  remove(slot: Slot<Entry>): void {
    slot.leave();
    this.entries--;
    this.bytes -= slot.bytes;
  }

  shift(): Slot<Entry> | undefined {
    const { oldest } = this.#slots;
    if (oldest !== undefined) this.remove(oldest);
    return oldest;
  }

  clear(): void {
    this.#slots.clear();
    this.entries = 0;
    this.bytes = 0;
  }
}
