/**
 * A local store that asks an order whom to push out, and keeps the limits itself.
 *
 * Room is made before an entry comes in, so the newest is never its own victim. An entry that is
 * replaced keeps its place and its count: what replaced it was not read yet. Only if it turns out
 * to be the next to go while it is growing, it comes in again as a new one.
 */

import type { LocalStore, LocalStoreLimits } from "../local-store.ts";
import { Slot } from "./slot.ts";

/** Which entry is next to go: all that a policy decides. */
export interface EvictionOrder<Entry> {
  /** A slot that is in no list comes in. */
  add(slot: Slot<Entry>): void;
  /** It was read. */
  use(slot: Slot<Entry>): void;
  /** It was deleted, by somebody who knew its key. */
  remove(slot: Slot<Entry>): void;
  /** Its size changes to `bytes`; `slot.bytes` is what it was. */
  resize(slot: Slot<Entry>, bytes: number): void;
  /** Takes out the one that goes next. Undefined when nothing is left. */
  evict(): Slot<Entry> | undefined;
  clear(): void;
}

/** Every operation costs what the order takes for it, and one look into a map. */
export class OrderedStore<Entry> implements LocalStore<Entry> {
  readonly #slots = new Map<string, Slot<Entry>>();
  readonly #order: EvictionOrder<Entry>;
  readonly #limits: LocalStoreLimits;
  #bytes = 0;
  #evictions = 0;

  constructor(order: EvictionOrder<Entry>, limits: LocalStoreLimits) {
    this.#order = order;
    this.#limits = limits;
  }

  get size(): number {
    return this.#slots.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): Entry | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#order.use(slot);
    return slot.entry;
  }

  peek(key: string): Entry | undefined {
    return this.#slots.get(key)?.entry;
  }

  set(key: string, entry: Entry, bytes: number): void {
    const { maxEntries, maxBytes } = this.#limits;
    const slot = this.#slots.get(key);
    if (bytes > maxBytes) {
      if (slot !== undefined) this.#remove(slot);
    } else if (slot !== undefined) {
      this.#replace(slot, entry, bytes);
    } else {
      while (this.#slots.size >= maxEntries || this.#bytes + bytes > maxBytes) this.#pushOut();
      const added = new Slot(key, entry, bytes);
      this.#slots.set(key, added);
      this.#bytes += bytes;
      this.#order.add(added);
    }
  }

  delete(key: string): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#remove(slot);
    return true;
  }

  clear(): void {
    this.#slots.clear();
    this.#order.clear();
    this.#bytes = 0;
  }

  #remove(slot: Slot<Entry>): void {
    this.#order.remove(slot);
    this.#forget(slot);
  }

  #replace(slot: Slot<Entry>, entry: Entry, bytes: number): void {
    this.#order.resize(slot, bytes);
    this.#bytes += bytes - slot.bytes;
    slot.entry = entry;
    slot.bytes = bytes;
    let itself = false;
    while (this.#bytes > this.#limits.maxBytes) itself = this.#pushOut(slot) || itself;
    if (itself) this.#order.add(slot);
  }

  /** Pushes out the next one, unless it is `kept`: then it only leaves the order. True: it was. */
  #pushOut(kept?: Slot<Entry>): boolean {
    const victim = this.#order.evict();
    if (victim === undefined) throw new RangeError("nothing is left to push out");
    if (victim === kept) return true;
    this.#forget(victim);
    this.#evictions++;
    return false;
  }

  #forget(slot: Slot<Entry>): void {
    this.#slots.delete(slot.key);
    this.#bytes -= slot.bytes;
  }
}
