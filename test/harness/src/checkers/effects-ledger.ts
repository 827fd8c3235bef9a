import { type Element, type History, requireElement } from "../operation.ts";

/**
 * Has each job had its effect? Handlers write a line into a ledger (a table, a list) as their effect;
 * the history says what was promised.
 *
 * - **lost**: added with an acknowledgement, not given up, and not in the ledger;
 * - **unexpected**: in the ledger, and never tried to add;
 * - **unfenced**: a line of an attempt that comes after one of a later attempt: somebody who had lost
 *   his lease wrote all the same, where a fence should have kept him off;
 * - **repeated**: in the ledger more than once, with the times beyond the first. At-least-once
 *   promises no less, so it is a figure; where effects are to happen once (they are completed in a
 *   transaction, or keyed by the job), a test asserts that it is empty.
 */
export interface EffectsLedgerResult {
  /** Nothing is lost, unexpected or unfenced. */
  readonly valid: boolean;
  readonly acknowledgedCount: number;
  readonly effectCount: number;
  readonly lost: readonly Element[];
  readonly unexpected: readonly Element[];
  readonly unfenced: readonly LedgerLine[];
  readonly repeated: readonly { readonly element: Element; readonly times: number }[];
}

export interface LedgerLine {
  readonly element: Element;
  /** Of the attempt that wrote it; lines without are not looked at for `unfenced`. */
  readonly attempt?: number | undefined;
}

/**
 * O(n).
 *
 * @param history its `enqueue`s are read.
 * @param ledger in the order in which the lines were written.
 * @param givenUp the elements of dead and cancelled jobs: they need no effect, and may have one.
 */
export function checkEffectsLedger(
  history: History,
  ledger: readonly LedgerLine[],
  givenUp: readonly Element[] = [],
): EffectsLedgerResult {
  const tried = new Set<Element>();
  const acked = new Set<Element>();
  for (const { kind, value, outcome } of history) {
    if (kind !== "enqueue") continue;
    const element = requireElement(kind, value);
    tried.add(element);
    if (outcome === "ok") acked.add(element);
  }
  const times = new Map<Element, number>();
  const lastAttempts = new Map<Element, number>();
  const unfenced: LedgerLine[] = [];
  for (const line of ledger) {
    const { element, attempt } = line;
    times.set(element, (times.get(element) ?? 0) + 1);
    if (attempt === undefined) continue;
    const last = lastAttempts.get(element) ?? 0;
    if (attempt < last) unfenced.push(line);
    lastAttempts.set(element, Math.max(attempt, last));
  }
  const needless = new Set(givenUp);
  const lost = [...acked].filter((element) => !times.has(element) && !needless.has(element));
  const unexpected = [...times.keys()].filter((element) => !tried.has(element));
  return {
    valid: lost.length + unexpected.length + unfenced.length === 0,
    acknowledgedCount: acked.size,
    effectCount: ledger.length,
    lost,
    unexpected,
    unfenced,
    repeated: [...times]
      .filter(([, count]) => count > 1)
      .map(([element, count]) => ({ element, times: count - 1 })),
  };
}
