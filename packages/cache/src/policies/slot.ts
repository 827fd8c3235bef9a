/**
 * An entry with its place in an order, and orders of such.
 *
 * The list is circular around an end that is no entry. So a slot leaves its list in two assignments
 * without knowing which list it is in, and one list is appended to another in four, however long.
 */

/** One entry of an {@link OrderedStore}. A slot that is in no list is linked to itself. */
export class Slot<Entry> {
  readonly key: string;
  entry: Entry;
  bytes: number;
  /** How often it was used, as the order counts it. */
  uses = 0;
  /** What else the order notes about it. */
  mark = 0;
  older: Slot<Entry> = this;
  newer: Slot<Entry> = this;

  constructor(key: string, entry: Entry, bytes: number) {
    this.key = key;
    this.entry = entry;
    this.bytes = bytes;
  }

  /** Takes it out of whatever list it is in. */
  leave(): void {
    this.older.newer = this.newer;
    this.newer.older = this.older;
    this.older = this;
    this.newer = this;
  }
}

/** Slots from the oldest to the newest. Every operation is O(1). */
export class SlotList<Entry> {
  readonly #end: Slot<Entry | undefined> = new Slot<Entry | undefined>("", undefined, 0);

  get oldest(): Slot<Entry> | undefined {
    const end = this.#end;
    // All but the end were pushed, and are of Slot<Entry>.
    return end.newer === end ? undefined : (end.newer as Slot<Entry>);
  }

  /** Makes it the newest. It must be in no list. */
  push(slot: Slot<Entry>): void {
    const end: Slot<Entry | undefined> = this.#end;
    const entering: Slot<Entry | undefined> = slot;
    entering.older = end.older;
    entering.newer = end;
    end.older.newer = entering;
    end.older = entering;
  }

  /** Appends all slots of `other`, which is empty afterwards. */
  take(other: SlotList<Entry>): void {
    const end = this.#end;
    const from = other.#end;
    if (from.newer === from) return;
    end.older.newer = from.newer;
    from.newer.older = end.older;
    from.older.newer = end;
    end.older = from.older;
    other.clear();
  }

  clear(): void {
    this.#end.older = this.#end;
    this.#end.newer = this.#end;
  }
}
