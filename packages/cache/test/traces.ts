/** Sequences of keys as a cache sees them, and what a cache makes of them. */

import type { Random } from "@headroom/core/random";
import type { LocalStore } from "../src/local-store.ts";

/** Requests, by number of the key. */
export type Trace = Int32Array;

export interface TraceOptions {
  readonly requests: number;
  readonly random: Random;
}

/**
 * Independent requests; the key of rank r has a probability in proportion to r^-skew. Popular
 * pages, products, users: what web caches were measured to see has a skew of 0.6 to 1.
 */
export function zipfTrace(options: TraceOptions & { keys: number; skew: number }): Trace {
  const { requests, random, keys, skew } = options;
  const upTo = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) {
    sum += (rank + 1) ** -skew;
    upTo[rank] = sum;
  }
  return Int32Array.from({ length: requests }, () => firstAbove(upTo, random() * sum));
}

/**
 * Most requests are for what was requested a short while ago: the number of different keys since
 * then is geometrically distributed. The rest are for keys never seen before.
 *
 * @param options.meanDistance of different keys since the last request of the same.
 * @param options.newShare of requests.
 */
export function stackDistanceTrace(
  options: TraceOptions & { meanDistance: number; newShare: number },
): Trace {
  const { requests, random, meanDistance, newShare } = options;
  const longest = meanDistance * 20;
  const recent: number[] = []; // the latest last
  let keys = 0;
  return Int32Array.from({ length: requests }, () => {
    const distance = Math.floor(-Math.log(1 - random()) * meanDistance);
    const isNew = random() < newShare || distance >= recent.length;
    const [key = keys++] = isNew ? [] : recent.splice(recent.length - 1 - distance, 1);
    recent.push(key);
    if (recent.length > longest) recent.shift();
    return key;
  });
}

/**
 * A window moves through the keys: what is requested lies in it, newer keys more often. So are
 * timelines, articles of the day, sessions: popular when new, then never again.
 *
 * @param options.window how many keys are in it.
 * @param options.readsPerKey how many requests each key gets on the whole.
 */
export function shiftingWindowTrace(
  options: TraceOptions & { window: number; readsPerKey: number },
): Trace {
  const { requests, random, window, readsPerKey } = options;
  return Int32Array.from({ length: requests }, (_, index) => {
    const newest = window + Math.floor(index / readsPerKey);
    const age = Math.floor(random() * random() * window);
    return newest - age;
  });
}

/** Which part of the requests a store answers, from 0 to 1, when each miss is stored. */
export function hitRatio(trace: Trace, store: LocalStore<object>): number {
  const entry = {};
  let hits = 0;
  for (const number of trace) {
    const key = `k${number}`;
    if (store.get(key) !== undefined) hits++;
    else store.set(key, entry, 1);
  }
  return hits / trace.length;
}

/**
 * Which part any policy could answer at most: whoever is requested again last, goes.
 * Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5 (1966). O(requests · log entries).
 */
export function beladyHitRatio(trace: Trace, maxEntries: number): number {
  const nextUse = nextUses(trace);
  const held = new Map<number, number>(); // key to when it is requested next
  const farthest = new FarthestFirst();
  let hits = 0;
  trace.forEach((key, index) => {
    const next = nextUse[index] ?? NEVER;
    if (held.has(key)) hits++;
    else if (held.size >= maxEntries) {
      // What was noted before a later request of the same key is not true any more.
      let victim = farthest.pop();
      while (victim !== undefined && held.get(victim.key) !== victim.at) victim = farthest.pop();
      if (victim !== undefined) held.delete(victim.key);
    }
    held.set(key, next);
    farthest.push({ key, at: next });
  });
  return hits / trace.length;
}

const NEVER = 2 ** 31 - 1;

/** For each request, which is the next one of its key. */
function nextUses(trace: Trace): Int32Array {
  const next = new Int32Array(trace.length);
  const seen = new Map<number, number>();
  for (let index = trace.length - 1; index >= 0; index--) {
    const key = trace[index] ?? 0;
    next[index] = seen.get(key) ?? NEVER;
    seen.set(key, index);
  }
  return next;
}

interface Use {
  readonly key: number;
  readonly at: number;
}

/** A binary heap whose first is the one farthest in the future. */
class FarthestFirst {
  readonly #uses: Use[] = [];

  push(use: Use): void {
    const uses = this.#uses;
    let index = uses.push(use) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = uses[above];
      if (parent === undefined || parent.at >= use.at) break;
      uses[index] = parent;
      index = above;
    }
    uses[index] = use;
  }

  pop(): Use | undefined {
    const uses = this.#uses;
    const first = uses[0];
    const last = uses.pop();
    if (last === undefined || uses.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const below = (uses[right]?.at ?? -1) > (uses[left]?.at ?? -1) ? right : left;
      const child = uses[below];
      if (child === undefined || child.at <= last.at) break;
      uses[index] = child;
      index = below;
    }
    uses[index] = last;
    return first;
  }
}

/** The first index whose sum is above `value`. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
