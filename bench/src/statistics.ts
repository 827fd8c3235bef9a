/** The middle value; of an even number of values, the mean of the middle two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * The smallest value that at least `percent` of all values do not exceed (nearest rank).
 * @param sorted ascending
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent * sorted.length) / 100));
  return sorted[rank - 1] ?? Number.NaN;
}

export interface RatioSummary {
  /** Median of the ratios of the rounds; null when a peer's zero leaves none. */
  readonly ratio: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

/**
 * Ours / theirs, round by round.
 *
 * A machine that slows down for a second slows down both sides of that round and leaves its ratio
 * alone; the ratio of the two medians would compare a slow moment of one with a fast one of the other.
 */
export function summarizeRatios(ours: readonly number[], theirs: readonly number[]): RatioSummary {
  const ratios = theirs.flatMap((their, round) => {
    const our = ours[round];
    return our === undefined || their === 0 ? [] : [our / their];
  });
  if (ratios.length === 0) return { ratio: null, min: null, max: null };
  return { ratio: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
