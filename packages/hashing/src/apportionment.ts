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
  // Relative to the largest, because the sum of huge weights would be infinite.
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const total = weights.reduce((sum, weight) => sum + weight / largest, 0);
  const quotas = weights.map((weight) => (seats * (weight / largest)) / total);
  const counts = Uint32Array.from(quotas, Math.floor);
  const left = seats - counts.reduce((sum, count) => sum + count, 0);
  const remainder = (index: number): number => (quotas[index] as number) % 1;
  const byRemainder = quotas.map((_, index) => index);
  byRemainder.sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const index of byRemainder.slice(0, left)) counts[index] = (counts[index] as number) + 1;
  return counts;
}
