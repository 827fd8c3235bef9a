/**
 * Many time limits with one timer.
 *
 * A timer for each job would cost more than a short job does. But jobs of one definition have the
 * same limit, so they run out in the order in which they began: a list for each limit that is in use
 * has its earliest in front, and the one timer is set for the earliest of all. Who is done leaves its
 * list in O(1), and the timer is left to ring for nothing: once per limit, not once per job.
 */

import type { Clock, Timer } from "@headroom/core/clock";

/** An item of {@link Deadlines}; its fields belong to it. */
export interface Timed {
  dueMs: number;
  previous: Timed | undefined;
  following: Timed | undefined;
  list: TimedList | undefined;
}

export interface TimedList {
  first: Timed | undefined;
  last: Timed | undefined;
}

export class Deadlines<Item extends Timed> {
  readonly #clock: Clock;
  readonly #expired: (item: Item) => void;
  readonly #lists = new Map<number, TimedList>();
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  /** @param expired told each item that has run out of time; it has left its list by then. */
  constructor(clock: Clock, expired: (item: Item) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** @param limitMs `Infinity`: it never runs out, but is among all the others. */
  add(item: Item, limitMs: number, nowMs: number): void {
    let list = this.#lists.get(limitMs);
    if (list === undefined) {
      list = { first: undefined, last: undefined };
      this.#lists.set(limitMs, list);
    }
    item.dueMs = nowMs + limitMs;
    item.list = list;
    item.previous = list.last;
    item.following = undefined;
    if (list.last === undefined) list.first = item;
    else list.last.following = item;
    list.last = item;
    if (item.dueMs < this.#timerDueMs) this.#arm(item.dueMs, nowMs);
  }

  /** Takes an item out; nothing happens if it is not in. */
  remove(item: Item): void {
    const { list, previous, following } = item;
    if (list === undefined) return;
    if (previous === undefined) list.first = following;
    else previous.following = following;
    if (following === undefined) list.last = previous;
    else following.previous = previous;
    item.list = undefined;
    item.previous = undefined;
    item.following = undefined;
  }

  /** All of them; those that are taken out on the way are passed over. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (const list of this.#lists.values()) {
      let at = list.first;
      while (at !== undefined) {
        const { following } = at;
        yield at as Item;
        at = following;
      }
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(dueMs: number, nowMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.timer(this.#ring, dueMs - nowMs);
  }

  readonly #ring = (): void => {
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicNow();
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [limitMs, list] of this.#lists) {
      while (list.first !== undefined && list.first.dueMs <= nowMs) {
        const item = list.first as Item;
        this.remove(item);
        this.#expired(item);
      }
      if (list.first === undefined) this.#lists.delete(limitMs);
      else earliestMs = Math.min(earliestMs, list.first.dueMs);
    }
    // What was told may have added others, and armed the timer for them.
    if (earliestMs < this.#timerDueMs) this.#arm(earliestMs, nowMs);
  };
}
