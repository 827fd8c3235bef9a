import type { Policy } from "../policy.ts";
import { cheapest } from "../policy.ts";

/** The one that is expected to answer first: its latency (peak EWMA) times what is under way at it. */
export function latency(): Policy {
  let turn = 0;
  return {
    pick: (hosts, nowMs) =>
      cheapest(
        hosts,
        turn++,
        (host) => (host.latency.estimateAt(nowMs) * (host.inFlight + 1)) / host.weightAt(nowMs),
      ),
  };
}
