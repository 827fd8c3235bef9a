/**
 * Many callers of one moment, one call.
 *
 * Who reads 64 keys one by one means 64 commands, and their cost is mostly in the sending. Whatever
 * is asked for before the event loop goes on (`process.nextTick` runs after the code and the
 * promises of the moment) is therefore collected, grouped by where it has to go, and sent together.
 * Nobody waits for others to come: a lone request leaves in the same turn of the loop.
 *
 * A group succeeds or fails as one; groups know nothing of each other.
 */

interface Entry<Item, Reply> {
  readonly item: Item;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

export interface TickBatchOptions<Item, Reply> {
  /** What may not travel together has different groups. */
  readonly groupOf: (item: Item) => number;
  /** The replies in the order of the items. Never throws before there is a promise. */
  readonly send: (items: readonly Item[], group: number) => Promise<readonly Reply[]>;
  /** No more than so many go together. */
  readonly most: number;
}

export class TickBatch<Item, Reply> {
  readonly #options: TickBatchOptions<Item, Reply>;
  #entries: Entry<Item, Reply>[] = [];

  constructor(options: TickBatchOptions<Item, Reply>) {
    this.#options = options;
  }

  /** Each item's reply, in their order; rejects with the first group that fails. */
  all(items: readonly Item[]): Promise<Reply[]> {
    const [first] = items;
    // A lone item is what reads ask for: a promise less for each.
    if (items.length === 1) {
      return new Promise((resolve, reject) => {
        this.#add({ item: first as Item, resolve: (reply) => resolve([reply]), reject });
      });
    }
    return Promise.all(items.map((item) => this.one(item)));
  }

  one(item: Item): Promise<Reply> {
    return new Promise((resolve, reject) => this.#add({ item, resolve, reject }));
  }

  #add(entry: Entry<Item, Reply>): void {
    if (this.#entries.length === 0) process.nextTick(this.#flush);
    this.#entries.push(entry);
  }

  readonly #flush = (): void => {
    const entries = this.#entries;
    this.#entries = [];
    const [first] = entries;
    if (first === undefined) return;
    if (entries.length === 1) {
      this.#send(entries, this.#options.groupOf(first.item));
      return;
    }
    const { most } = this.#options;
    for (const [group, some] of this.#grouped(entries)) {
      for (let from = 0; from < some.length; from += most) {
        this.#send(some.slice(from, from + most), group);
      }
    }
  };

  #grouped(entries: readonly Entry<Item, Reply>[]): Map<number, Entry<Item, Reply>[]> {
    const groups = new Map<number, Entry<Item, Reply>[]>();
    for (const entry of entries) {
      const group = this.#options.groupOf(entry.item);
      const some = groups.get(group);
      if (some === undefined) groups.set(group, [entry]);
      else some.push(entry);
    }
    return groups;
  }

  #send(entries: readonly Entry<Item, Reply>[], group: number): void {
    const items = entries.map(({ item }) => item);
    this.#options.send(items, group).then(
      (replies) => {
        for (let at = 0; at < entries.length; at++) entries[at]?.resolve(replies[at] as Reply);
      },
      (error: unknown) => {
        for (const { reject } of entries) reject(error);
      },
    );
  }
}
