import { createRendezvous, type Rendezvous } from "@headroom/hashing";
import type { Policy } from "../policy.ts";
import { KeyedPicker, type KeyedTarget, keyedTargets, type LocateUsable } from "./keyed-policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";

/**
 * Each target draws a number for the key and the best one has it; if that is excluded, the second
 * best, and so on. Even by weight, and a change moves only the keys it must. Linear in the targets,
 * so for tens of them.
 *
 * A target's draw depends on the key and itself alone. So there is no need to place over all targets
 * and pass over those that are out, as other placements must: among the available ones the order is the same.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function rendezvous(options: PolicyOptions = {}): Policy {
  const random = requireRandom("rendezvous", options);
  return {
    name: "rendezvous",
    picker: (available) => {
      const placement = createRendezvous(keyedTargets(available));
      return new KeyedPicker(byRank(placement), available, true, random);
    },
  };
}

function byRank(placement: Rendezvous<KeyedTarget>): LocateUsable {
  return (key, usable) => {
    const own = placement.locate(key).candidate;
    if (usable.has(own)) return own;
    const ranked = placement.locateN(key, placement.nodes.length);
    return ranked.find(({ candidate }) => usable.has(candidate))?.candidate;
  };
}
