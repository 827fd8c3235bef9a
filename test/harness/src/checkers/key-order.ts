import { type Element, type History, type Operation, requireElement } from "../operation.ts";

/**
 * Did the jobs of each key run in the order in which they were added, and one at a time?
 *
 * Reads `enqueue` (its value) and `handle`: one run of a handler, from its begin to its end, with the
 * element as its value. An element *precedes* another of its key when its enqueue was acknowledged
 * before the other's had begun; of two that were added beside each other, or of one whose outcome is
 * not known, no order was promised.
 *
 * - **disordered**: a handler began with an element although one had begun before with an element that
 *   it precedes. That may be the first run, or one more: a job that is retried holds up the later ones
 *   of its key. Elements that were given up and put in again are none of this checker's: leave them out.
 * - **overlapping**: a handler began while another of its key ran. A worker that stood still for longer
 *   than its lease does that, and cannot know: so it is a figure, and not part of `valid`.
 */
export interface KeyOrderResult {
  readonly valid: boolean;
  readonly keyCount: number;
  readonly runCount: number;
  readonly disordered: readonly { readonly element: Element; readonly after: Element }[];
  readonly overlapping: readonly { readonly element: Element; readonly during: Element }[];
}

/** O(n log n). @param keyOf the key of an element; undefined: it has none, and is not looked at. */
export function checkKeyOrder(
  history: History,
  keyOf: (element: Element) => string | undefined,
): KeyOrderResult {
  const added = new Map<Element, Added>();
  const runs = new Map<string, Operation[]>();
  let runCount = 0;
  for (const operation of history) {
    const { kind, value, outcome, startIndex, endIndex } = operation;
    if (kind === "enqueue") {
      const ackedAt = outcome === "ok" ? endIndex : Number.POSITIVE_INFINITY;
      added.set(requireElement(kind, value), { beganAt: startIndex, ackedAt });
    } else if (kind === "handle") {
      const key = keyOf(requireElement(kind, value));
      if (key === undefined) continue;
      const ofKey = runs.get(key);
      if (ofKey === undefined) runs.set(key, [operation]);
      else ofKey.push(operation);
      runCount++;
    }
  }
  const ofKeys = [...runs.values()].map((ofKey) =>
    ofKey.toSorted((one, other) => one.startIndex - other.startIndex),
  );
  const disordered = ofKeys.flatMap((ofKey) => disorderedIn(ofKey, added));
  return {
    valid: disordered.length === 0,
    keyCount: runs.size,
    runCount,
    disordered,
    overlapping: ofKeys.flatMap(overlappingIn),
  };
}

/** Moments of an enqueue. */
interface Added {
  readonly beganAt: number;
  readonly ackedAt: number;
}

const NEVER_ADDED: Added = { beganAt: -1, ackedAt: Number.POSITIVE_INFINITY };

/** @param runs of one key, by their begin. */
function disorderedIn(
  runs: readonly Operation[],
  added: ReadonlyMap<Element, Added>,
): { element: Element; after: Element }[] {
  const found: { element: Element; after: Element }[] = [];
  /** Of those that have begun, the one that was added last. */
  let latest: { element: Element; beganAt: number } | undefined;
  for (const { kind, value } of runs) {
    const element = requireElement(kind, value);
    const { beganAt, ackedAt } = added.get(element) ?? NEVER_ADDED;
    if (latest !== undefined && ackedAt < latest.beganAt) {
      found.push({ element, after: latest.element });
    }
    if (latest === undefined || beganAt > latest.beganAt) latest = { element, beganAt };
  }
  return found;
}

function overlappingIn(runs: readonly Operation[]): { element: Element; during: Element }[] {
  const found: { element: Element; during: Element }[] = [];
  let longest: Operation | undefined;
  for (const run of runs) {
    if (longest !== undefined && run.startIndex < longest.endIndex) {
      const element = requireElement(run.kind, run.value);
      found.push({ element, during: requireElement(longest.kind, longest.value) });
    }
    if (longest === undefined || run.endIndex > longest.endIndex) longest = run;
  }
  return found;
}
