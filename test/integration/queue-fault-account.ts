/** What went into a queue against what its workers did, and the order in which they did it. */

import { checkTotalQueue, type History, type TotalQueueResult } from "@headroom/harness";

/** An effect of a job, as its handler has written it into the ledger. */
export interface Effect {
  readonly index: number;
  readonly attempt: number;
  readonly key: string | undefined;
}

export interface Account extends TotalQueueResult {
  /** Effects of jobs that had one already. */
  readonly duplicates: number;
  /** The jobs that they are of, each once. */
  readonly repeated: readonly number[];
  readonly outOfOrder: number;
  readonly highestAttempt: number;
}

/** @param history of `enqueue` operations. @param effects all of them, after the queue was drained. */
export function accountOf(history: History, effects: readonly Effect[]): Account {
  const now = { startMs: 0, endMs: 0, startIndex: Infinity, endIndex: Infinity } as const;
  const drained = effects.map(({ index }) => index);
  const result = checkTotalQueue([
    ...history,
    { ...now, kind: "drain", outcome: "ok", result: drained },
  ]);
  const once = new Set<number>();
  const repeated = new Set<number>();
  for (const index of drained) (once.has(index) ? repeated : once).add(index);
  return {
    ...result,
    duplicates: drained.length - once.size,
    repeated: [...repeated],
    outOfOrder: outOfOrder(effects),
    highestAttempt: Math.max(0, ...effects.map(({ attempt }) => attempt)),
  };
}

/** First effects that come after one of a later job of their key. */
function outOfOrder(effects: readonly Effect[]): number {
  const latest = new Map<string, number>();
  const seen = new Set<number>();
  let count = 0;
  for (const { index, key } of effects) {
    if (key === undefined || seen.has(index)) continue;
    seen.add(index);
    if (index < (latest.get(key) ?? -1)) count += 1;
    else latest.set(key, index);
  }
  return count;
}

/** Of the line that is nearest to the points, by least squares: how much `y` grows with each `x`. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1): number =>
    points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const together = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return spread === 0 ? 0 : together / spread;
}
