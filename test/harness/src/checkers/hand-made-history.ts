import type { History, Operation, Outcome } from "../operation.ts";

/** An operation as one would draw it: what, when, and how it ended. */
export interface Drawn {
  readonly kind: string;
  readonly value?: unknown;
  /** Milliseconds of start and end. No two moments of a history may be the same. */
  readonly at: readonly [startMs: number, endMs: number];
  /** `ok` unless given. */
  readonly outcome?: Outcome;
  readonly result?: unknown;
}

/** The history of some drawn operations, for the self-tests of the checkers. */
export function handMadeHistory(drawn: readonly Drawn[]): History {
  const moments = drawn.flatMap(({ at }) => at).sort((a, b) => a - b);
  const indexOf = new Map(moments.map((ms, index) => [ms, index]));
  if (indexOf.size !== moments.length)
    throw new RangeError("two moments of the history are the same");
  return drawn
    .map(({ kind, value, at: [startMs, endMs], outcome = "ok", result }): Operation => {
      const startIndex = indexOf.get(startMs) ?? 0;
      const endIndex = indexOf.get(endMs) ?? 0;
      const lifetime = { kind, value, startMs, endMs, startIndex, endIndex };
      return outcome === "ok"
        ? { ...lifetime, outcome, result }
        : { ...lifetime, outcome, error: new Error(outcome) };
    })
    .sort((a, b) => a.startIndex - b.startIndex);
}
