import { type Element, type History, requireElement, requireElements } from "../operation.ts";

/**
 * What goes into a queue must come out: Jepsen's `total-queue`, for a history in which the queue was
 * drained to the end after the last `enqueue`.
 *
 * Elements are counted, as a multiset. With attempts = all enqueues, acked = those acknowledged and
 * dequeued = all that came out:
 *
 * - lost = acked − dequeued: promised, and gone;
 * - unexpected = dequeued, but never attempted: made up, or left over from another test;
 * - duplicated = dequeued more often than attempted;
 * - recovered = (dequeued ∩ attempts) − acked: the client did not know, and it had arrived.
 *
 * Valid iff nothing is lost and nothing is unexpected. A duplicate is no violation: at-least-once is
 * what a queue can promise, so how many there are is a figure and not a verdict.
 *
 * Source: jepsen-io/jepsen, `jepsen/src/jepsen/checker.clj`, `total-queue`.
 */
export interface TotalQueueResult {
  readonly valid: boolean;
  readonly attemptCount: number;
  readonly acknowledgedCount: number;
  /** Elements that came out and had been put in, each at most as often as it was put in. */
  readonly okCount: number;
  /** An element that is missing twice is here twice; so in the lists below. */
  readonly lost: readonly Element[];
  readonly unexpected: readonly Element[];
  readonly duplicated: readonly Element[];
  readonly recovered: readonly Element[];
}

/**
 * Reads `enqueue` (its value), `dequeue` (its result; `undefined` or `null` = the queue was empty)
 * and `drain` (its result: several elements). Other kinds are ignored. O(n).
 *
 * @throws Error when a `drain` has an unknown outcome: what it took may be lost with it.
 */
export function checkTotalQueue(history: History): TotalQueueResult {
  const attempts = new Multiset();
  const acked = new Multiset();
  const dequeued = new Multiset();
  for (const operation of history) {
    if (operation.kind === "enqueue") {
      const element = requireElement("enqueue", operation.value);
      attempts.add(element);
      if (operation.outcome === "ok") acked.add(element);
    } else if (operation.outcome === "ok") {
      for (const element of takenBy(operation.kind, operation.result)) dequeued.add(element);
    } else if (operation.kind === "drain" && operation.outcome === "unknown") {
      throw new Error(
        "a drain with an unknown outcome: its elements cannot be told from lost ones",
      );
    }
  }
  const ok = dequeued.combine(attempts, Math.min);
  const lost = acked.minus(dequeued).toArray();
  const unexpected = dequeued.combine(attempts, (out, tried) => (tried === 0 ? out : 0));
  return {
    valid: lost.length === 0 && unexpected.size === 0,
    attemptCount: attempts.size,
    acknowledgedCount: acked.size,
    okCount: ok.size,
    lost,
    unexpected: unexpected.toArray(),
    duplicated: dequeued.minus(attempts).minus(unexpected).toArray(),
    recovered: ok.minus(acked).toArray(),
  };
}

function takenBy(kind: string, result: unknown): readonly Element[] {
  if (kind === "drain") return requireElements(kind, result);
  if (kind !== "dequeue" || result === undefined || result === null) return [];
  return [requireElement(kind, result)];
}

/** Elements and how many there are of each. */
class Multiset {
  readonly #counts = new Map<Element, number>();

  add(element: Element, count = 1): void {
    if (count > 0) this.#counts.set(element, this.countOf(element) + count);
  }

  countOf(element: Element): number {
    return this.#counts.get(element) ?? 0;
  }

  get size(): number {
    let size = 0;
    for (const count of this.#counts.values()) size += count;
    return size;
  }

  /** Each element of this set as often as `count` says, given how often it is here and there. */
  combine(other: Multiset, count: (here: number, there: number) => number): Multiset {
    const result = new Multiset();
    for (const [element, here] of this.#counts) {
      result.add(element, count(here, other.countOf(element)));
    }
    return result;
  }

  minus(other: Multiset): Multiset {
    return this.combine(other, (here, there) => here - there);
  }

  toArray(): Element[] {
    return [...this.#counts].flatMap(([element, count]) => new Array(count).fill(element));
  }
}
