import { createRing, type Ring } from "@headroom/hashing";
import type { Policy } from "../policy.ts";
import { type KeyedTarget, keyedPolicy, type LocateUsable } from "./keyed-policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";

/**
 * A key's target on a consistent-hash ring, and if that is out the next one clockwise. O(1) a pick.
 *
 * A target that comes takes keys only for itself, one that goes gives only its own away, to whoever
 * follows each of its points. Shares are off by some 8 % of each weight.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function ring(options: PolicyOptions = {}): Policy {
  return keyedPolicy("ring", requireRandom("ring", options), (targets) =>
    clockwise(createTargetRing(targets)),
  );
}

function clockwise(placement: Ring<KeyedTarget>): LocateUsable {
  return (key, usable) => {
    const own = placement.locate(key).candidate;
    if (usable.has(own)) return own;
    for (const { candidate } of placement.clockwise(key)) {
      if (usable.has(candidate)) return candidate;
    }
    return undefined;
  };
}

const POINTS_PER_WEIGHT = 160;
/** A ring of so many takes some milliseconds to build and less than a megabyte. */
const FEW_POINTS = 2 ** 16;
/** What equal weights never exceed, since they count below 2. */
const POINTS_PER_TARGET = 2 * POINTS_PER_WEIGHT;

/**
 * A ring on which every weight has a sensible number of points.
 *
 * Weights of a ring are absolute, 160 points each; those of targets may be 0.01, or 65,535 from a DNS
 * record. They are scaled so that the smallest counts from 1 to 2, further down if the ring would
 * become too large. Scaling goes by powers of two: points are those of an endless series, so a
 * target that joins changes nothing for the others, unless its weight is the new smallest by far.
 */
export function createTargetRing(targets: readonly KeyedTarget[]): Ring<KeyedTarget> {
  const scale = ringScale(targets.map(({ weight }) => weight));
  return createRing(
    targets.map((target) => ({ ...target, weight: target.weight * scale })),
    { pointsPerWeight: POINTS_PER_WEIGHT },
  );
}

/** A power of two: 1 for weights of 1, ¼ for 5 and 10. */
export function ringScale(weights: readonly number[]): number {
  const smallest = weights.reduce((least, weight) => Math.min(least, weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const wanted = -Math.floor(Math.log2(smallest));
  const mostPoints = Math.max(FEW_POINTS, POINTS_PER_TARGET * weights.length);
  const allowed = Math.floor(Math.log2(mostPoints / POINTS_PER_WEIGHT / total));
  return 2 ** Math.min(wanted, allowed);
}
