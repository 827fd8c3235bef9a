/**
 * What the client knows about an operation it has sent, as in Jepsen's histories:
 *
 * - `ok`: acknowledged, it happened;
 * - `failed`: it certainly did not happen, and never will;
 * - `unknown` (Jepsen's `info`): it may have happened, may be happening, may happen later. A time
 *   out is of this kind: a write whose reply was lost has been applied all the same.
 *
 * A checker that took `unknown` for `failed` would call a server faulty that is not, and one that
 * took it for `ok` would blame it for a loss that nobody was promised.
 */
export type Outcome = "ok" | "failed" | "unknown";

/** What is going to be done, before it is known how it ends. */
export interface Intent {
  /** The checkers read `enqueue`, `dequeue`, `drain` and `add`, `read`. */
  readonly kind: string;
  /** What goes in: the element of an `enqueue` or `add`. */
  readonly value?: unknown;
}

/** An operation with its two events, whatever its outcome. */
export interface Lifetime extends Intent {
  /** Milliseconds of the recorder's monotonic clock. */
  readonly startMs: number;
  readonly endMs: number;
  /** Place of the two events in the one order of all events of the log: no two are equal. */
  readonly startIndex: number;
  readonly endIndex: number;
}

export interface OkOperation<T = unknown> extends Lifetime {
  readonly outcome: "ok";
  /** What came out: the element of a `dequeue`, the elements of a `drain` or `read`. */
  readonly result: T;
}

export interface NotOkOperation extends Lifetime {
  readonly outcome: "failed" | "unknown";
  readonly error: unknown;
}

export type Operation<T = unknown> = OkOperation<T> | NotOkOperation;

/** Operations in the order of their start. */
export type History = readonly Operation[];

/**
 * What the checkers count. It is compared by type and value: a server that gives `"1"` back for the
 * number 1 has lost one element and made up another.
 */
export type Element = string | number | bigint;

/** @throws TypeError when it cannot be compared by value, such as an object. */
export function requireElement(kind: string, element: unknown): Element {
  if (typeof element === "string" || typeof element === "number" || typeof element === "bigint") {
    return element;
  }
  throw new TypeError(
    `${kind} must have a string, number or bigint as its element, got ${shown(element)}`,
  );
}

/** @throws TypeError when it is not an array of elements. */
export function requireElements(kind: string, elements: unknown): readonly Element[] {
  if (!Array.isArray(elements)) {
    throw new TypeError(
      `${kind} must have an array of elements as its result, got ${shown(elements)}`,
    );
  }
  return elements.map((element) => requireElement(kind, element));
}

function shown(value: unknown): string {
  return value === null ? "null" : typeof value;
}
