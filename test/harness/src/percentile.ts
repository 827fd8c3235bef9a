/**
 * The exact percentile of some numbers, by nearest rank: the smallest of the values such that at
 * least `fraction` of all values are no greater. It is always one of the values, never a mean of
 * two, so that a reported worst case really happened. 0 gives the smallest, 1 the greatest.
 *
 * @param fraction from 0 to 1 (0.99, not 99).
 * @returns `undefined` when there are no values: nothing measured is not a time of 0.
 * @throws RangeError when `fraction` is not from 0 to 1 or a value is NaN.
 */
export function percentile(values: readonly number[], fraction: number): number | undefined {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`fraction must be a number from 0 to 1, got ${fraction}`);
  }
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  // A typed array sorts NaN to the end.
  if (count > 0 && Number.isNaN(sorted[count - 1])) {
    throw new RangeError("values must be numbers, got NaN");
  }
  return sorted[rank(fraction, count) - 1];
}

/** The smallest rank (from 1) that holds `fraction`; a product such as 0.07 * 100 may be too big. */
function rank(fraction: number, count: number): number {
  const product = Math.max(1, Math.ceil(fraction * count));
  return product > 1 && (product - 1) / count >= fraction ? product - 1 : product;
}
