/**
 * The loop around one operation.
 *
 * Every operation gets a loop compiled for it alone: in a shared one the call would see many targets,
 * and V8 would stop inlining it for all, an unequal tax on the cheap ones. The result of every
 * operation flows into the value the loop returns, and that into a sink, so that no work is dropped
 * because nobody looks at it.
 */
import type { Operation } from "./area.ts";

/** Runs the operation `count` times, at least once; if async, one after the other. */
export type Loop = (count: number) => unknown;

type Build = (operation: Operation) => Loop;

let built = 0;

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Calls the operation once to see whether its results are promises. */
export function buildLoop(operation: Operation): Loop {
  const first = operation(0);
  const isAsync = isPromiseLike(first);
  if (isAsync) first.then(undefined, () => {});
  built += 1;
  const call = isAsync ? "await operation" : "operation";
  // The number makes the source, and so the compiled code and what it has learned, the loop's own.
  // The first call stands before the loop: a `last` that may be undefined would box every double.
  const build = new Function(
    "operation",
    `return ${isAsync ? "async " : ""}function loop${built}(count) {
      let last = ${call}(0);
      for (let index = 1; index < count; index += 1) last = ${call}(index);
      return last;
    }`,
  ) as Build;
  return build(operation);
}

/** The last result of the last turn: written, never read. */
export const sink: { last: unknown } = { last: undefined };
