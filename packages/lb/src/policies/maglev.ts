import { createMaglev, type Maglev, murmur3 } from "@headroom/hashing";
import type { Policy } from "../policy.ts";
import { type KeyedTarget, keyedPolicy, type LocateUsable } from "./keyed-policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";

/**
 * A key's target in a Maglev table: the most even of the placements, shares differ by less than a
 * per cent. O(1) a pick. When targets come or go, some keys of others move too; when one is merely
 * out, none do.
 *
 * If the target of a key is out, the key is hashed again, as in Envoy: by flipping bits of its hash
 * that depend on the attempt, so that its keys spread over all others by weight. Where nearly all
 * are out that may take long; after some attempts the next by id that is usable is taken.
 *
 * Source: envoyproxy/envoy, source/extensions/load_balancing_policies/maglev/maglev_lb.cc,
 * `chooseHost`, with hashes of 32 bits.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function maglev(options: PolicyOptions = {}): Policy {
  return keyedPolicy("maglev", requireRandom("maglev", options), (targets) =>
    rehashed(createMaglev(targets)),
  );
}

/** With two thirds out, one key in 400,000 gets to the end of them. */
const ATTEMPTS = 32;

function rehashed(placement: Maglev<KeyedTarget>): LocateUsable {
  const { nodes } = placement;
  return (key, usable) => {
    const hash = murmur3(key);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = ((hash ^ -attempt) >>> 0) % placement.size;
      const { candidate } = placement.nodeAt(entry);
      if (usable.has(candidate)) return candidate;
    }
    for (let step = 0; step < nodes.length; step++) {
      const { candidate } = nodes[(hash + step) % nodes.length] as KeyedTarget;
      if (usable.has(candidate)) return candidate;
    }
    return undefined;
  };
}
