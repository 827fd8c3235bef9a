import type { Policy } from "../policy.ts";
import { cheapest } from "../policy.ts";

/** The one with the fewest statements under way, in proportion to its weight. */
export function leastInFlight(): Policy {
  let turn = 0;
  return {
    pick: (hosts, nowMs) =>
      cheapest(hosts, turn++, (host) => (host.inFlight + 1) / host.weightAt(nowMs)),
  };
}
