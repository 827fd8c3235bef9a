/**
 * How much of the load each target is due.
 *
 * A target's effective weight is its configured weight times its share, which is below 1 while it
 * starts slowly. It is read when a picker is built: the balancer builds another one as a slow start
 * goes on, so a picker never sees weights change under it.
 *
 * Only ratios mean something: weights of 10, 10 and 20 say the same as 1, 1 and 2. Where a weight
 * meets a count of requests it is therefore taken in *units*, of which a target with the smallest
 * configured weight has one. What all targets have in common does not count, the share included:
 * when all of them start slowly at once, as at boot, they are balanced as if none did.
 */

import type { Candidate } from "../policy.ts";

/** Weight times share, in the order of `candidates`. */
export function effectiveWeights(candidates: readonly Candidate[]): Float64Array {
  return Float64Array.from(candidates, ({ weight, share }) => weight * share);
}

/** {@link effectiveWeights} in units: of weights 3 and 6, the second at half its share, `[1, 1]`. */
export function effectiveUnits(candidates: readonly Candidate[]): Float64Array {
  let smallestWeight = Number.POSITIVE_INFINITY;
  let largestShare = 0;
  for (const { weight, share } of candidates) {
    smallestWeight = Math.min(smallestWeight, weight);
    largestShare = Math.max(largestShare, share);
  }
  return Float64Array.from(
    candidates,
    ({ weight, share }) => (weight / smallestWeight) * (share / largestShare),
  );
}

/** Whether nobody is due more than another. */
export function areEqual(weights: Float64Array): boolean {
  return weights.every((weight) => weight === weights[0]);
}
