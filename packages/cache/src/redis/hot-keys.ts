/**
 * Which keys a process reads so often that one server should not have to answer all of it.
 *
 * A counter for every key would be as large as the cache. This one keeps 128: a key that is not among
 * them takes over the smallest counter, count and all, and remembers how much of it is not its own
 * ("Space-Saving"). No key with more than one read in 128 can be missing, and what is certain of a
 * key is its count less what it took over. Counts are halved now and then, so that a key which was
 * hot an hour ago is not hot for ever.
 *
 * Hot is a key of which more than one read in a hundred is certain.
 *
 * Source: Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k elements in
 * data streams", ICDT 2005.
 */

const COUNTERS = 128;
const HOT_SHARE = 0.01;
/** With fewer reads a share says nothing. */
const FEWEST_READS = 1_000;
const HALVED_AFTER = 20_000;

interface Counter {
  count: number;
  /** So much of the count may have been other keys. */
  notItsOwn: number;
}

export class HotKeys {
  readonly #counters = new Map<string, Counter>();
  #reads = 0;

  /** Notes a read. O(1) for a key that has a counter, else O(128). */
  count(key: string): void {
    this.#reads += 1;
    if (this.#reads >= HALVED_AFTER) this.#halve();
    const counter = this.#counters.get(key);
    if (counter !== undefined) {
      counter.count += 1;
      return;
    }
    const notItsOwn = this.#counters.size < COUNTERS ? 0 : this.#dropSmallest();
    this.#counters.set(key, { count: notItsOwn + 1, notItsOwn });
  }

  isHot(key: string): boolean {
    if (this.#reads < FEWEST_READS) return false;
    const counter = this.#counters.get(key);
    return counter !== undefined && counter.count - counter.notItsOwn > this.#reads * HOT_SHARE;
  }

  /** @returns its count. */
  #dropSmallest(): number {
    let smallest = "";
    let count = Number.POSITIVE_INFINITY;
    for (const [key, counter] of this.#counters) {
      if (counter.count >= count) continue;
      smallest = key;
      count = counter.count;
    }
    this.#counters.delete(smallest);
    return count;
  }

  #halve(): void {
    this.#reads /= 2;
    for (const counter of this.#counters.values()) {
      counter.count /= 2;
      counter.notItsOwn /= 2;
    }
  }
}
