import { locateBounded } from "@headroom/hashing";
import type { Policy } from "../policy.ts";
import { keyedPolicy } from "./keyed-policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";
import { createTargetRing } from "./ring.ts";

export interface BoundedRingOptions extends PolicyOptions {
  /**
   * How far above its part of the requests in flight a target may be: 1.25 is a quarter. Nearer to 1
   * is more even and moves more keys.
   * @default 1.25
   */
  readonly balanceFactor?: number | undefined;
}

/**
 * `ring`, but a target that has too much in flight passes the key on, clockwise: for caches where one
 * key may become hot. As long as nobody is overloaded, it is the ring. Linear in the targets.
 *
 * The bound is on the requests of this process. A key may be at two targets at two moments.
 *
 * @throws TypeError when an option is unknown or `random` is not a function; RangeError when
 *   `balanceFactor` is not a finite number of at least 1.
 */
export function boundedRing(options: BoundedRingOptions = {}): Policy {
  const random = requireRandom("boundedRing", options, ["balanceFactor"]);
  const balanceFactor = requireFactor(options.balanceFactor ?? 1.25);
  return keyedPolicy("bounded-ring", random, (targets) => {
    const placement = createTargetRing(targets);
    return (key, usable) => {
      const loadOf = ({ candidate }: (typeof targets)[number]): number =>
        usable.has(candidate) ? candidate.inFlight : Number.POSITIVE_INFINITY;
      const { candidate } = locateBounded(placement, key, loadOf, { balanceFactor });
      return usable.has(candidate) ? candidate : undefined;
    };
  });
}

function requireFactor(factor: number): number {
  if (typeof factor !== "number") {
    throw new TypeError(`balanceFactor must be a number, got ${typeof factor}`);
  }
  if (Number.isFinite(factor) && factor >= 1) return factor;
  throw new RangeError(`balanceFactor must be a finite number of at least 1, got ${factor}`);
}
