import type { Policy } from "../policy.ts";
import type { Host } from "../topology/host.ts";

/**
 * In turn, by weight: of weights 3 and 1, three of four, evenly spread. Smooth weighted round robin
 * as in nginx (`ngx_http_upstream_round_robin.c`): each earns its weight, the richest is picked and
 * pays what all have earned.
 */
export function weighted(): Policy {
  const earned = new WeakMap<Host, number>();
  return {
    pick(hosts, nowMs) {
      let total = 0;
      let richest: Host | undefined;
      let most = Number.NEGATIVE_INFINITY;
      for (const host of hosts) {
        const weight = host.weightAt(nowMs);
        const its = (earned.get(host) ?? 0) + weight;
        earned.set(host, its);
        total += weight;
        if (its > most) [richest, most] = [host, its];
      }
      if (richest === undefined) throw new RangeError("there is nobody to pick from");
      earned.set(richest, most - total);
      return richest;
    },
  };
}
