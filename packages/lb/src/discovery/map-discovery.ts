/** The same targets, as something else. */

import type { Discovery, DiscoveryUpdate } from "../discovery.ts";
import { isFailure } from "../discovery.ts";
import { requireTargets, type TargetOptions } from "../target.ts";

/**
 * A discovery of what `map` makes of each target that `discovery` finds: addresses become pools, say.
 * A list with a mistake in it, or of which `map` cannot make something, is a failure, and the
 * discovery goes on. `map` is called with every list anew, also for targets that stay: a balancer keeps
 * what was made of them first, so making it should cost little until it is used.
 */
export function mapDiscovery<From, To>(
  discovery: Discovery<From>,
  map: (target: TargetOptions<From>) => TargetOptions<To>,
): Discovery<To> {
  return async function* (signal) {
    for await (const update of discovery(signal)) {
      yield isFailure(update) ? update : mapList(update, map);
    }
  };
}

function mapList<From, To>(
  list: readonly TargetOptions<From>[],
  map: (target: TargetOptions<From>) => TargetOptions<To>,
): DiscoveryUpdate<To> {
  try {
    return requireTargets(list).map(map);
  } catch (failed) {
    return { failed };
  }
}
