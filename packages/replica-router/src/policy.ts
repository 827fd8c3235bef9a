/** Which of several replicas that may answer a read does. */

import type { Host } from "./topology/host.ts";

export interface Policy {
  /** @param hosts at least one. @param nowMs of the monotonic clock. */
  pick(hosts: readonly Host[], nowMs: number): Host;
}

/** The host for which `cost` is least; of equals the one that `turn` points at, so that all get some. */
export function cheapest(hosts: readonly Host[], turn: number, cost: (host: Host) => number): Host {
  let best: Host | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < hosts.length; index++) {
    const host = hosts[(turn + index) % hosts.length];
    if (host === undefined) continue;
    const its = cost(host);
    if (best === undefined || its < least) {
      best = host;
      least = its;
    }
  }
  if (best === undefined) throw new RangeError("there is nobody to pick from");
  return best;
}
