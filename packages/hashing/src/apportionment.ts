/**
 * How many of `seats` each weight is due, in whole numbers: the method of largest remainders.
 *
 * Each gets its exact quota rounded down; what is left goes, one each, to the largest remainders, and
 * among equal remainders to the first. So every count is its quota rounded down or up, and raising
 * a weight never lowers its own count. It may change *another* weight's count by one in either
 * direction: no method that stays within the quota can avoid that (Balinski & Young, "Fair
 * Representation", 1982). With equal weights that does not happen.
 *
 * Source: Alexander Hamilton's proposal of 1792; Balinski & Young, there called Hamilton's method.
 *
 * @returns counts in the order of `weights`, whose sum is `seats`: of 10 and `[1, 2]`, `[3, 7]`.
 */
export function apportion(seats: number, weights: readonly number[]): Uint32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = new Uint32Array(weights.length);
  const remainders = new Float64Array(weights.length);
  let left = seats;
  for (let index = 0; index < weights.length; index++) {
    const quota = (seats * (weights[index] as number)) / total;
    const whole = Math.floor(quota);
    counts[index] = whole;
    remainders[index] = quota - whole;
    left -= whole;
  }
  if (left > 0) giveToLargest(remainders, left, counts);
  return counts;
}

function giveToLargest(remainders: Float64Array, left: number, counts: Uint32Array): void {
  const sorted = remainders.toSorted();
  const least = sorted[sorted.length - left] as number;
  const larger = sorted.length - 1 - sorted.lastIndexOf(least);
  let equals = left - larger;
  for (let index = 0; index < remainders.length; index++) {
    const remainder = remainders[index] as number;
    if (remainder < least || (remainder === least && equals-- <= 0)) continue;
    counts[index] = (counts[index] as number) + 1;
  }
}
