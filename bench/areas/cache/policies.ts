/** What each eviction policy is worth on requests that are made up and repeatable. */

import { createCache, type EvictionPolicy } from "@headroom/cache";
import { seededRandom } from "@headroom/core/random";
import {
  beladyHitRatio,
  shiftingWindowTrace,
  stackDistanceTrace,
  type Trace,
  zipfTrace,
} from "../../../packages/cache/test/traces.ts";

/** By name: the requests, and for how many entries there is room. */
export const TRACES: Readonly<
  Record<string, { readonly trace: () => Trace; readonly entries: number }>
> = {
  "zipf 0.99, 1k of 100k": { trace: zipf, entries: 1_000 },
  "zipf 0.99, 10k of 100k": { trace: zipf, entries: 10_000 },
  "moving window of 2k, 1k": { trace: movingWindow, entries: 1_000 },
  "recent 300, 1k": { trace: recent, entries: 1_000 },
  "recent 300, only 300": { trace: recent, entries: 300 },
};

/** Ten requests a key: with fewer, the first read of each, which nothing can hit, decides. */
function zipf(): Trace {
  return zipfTrace({ requests: 1_000_000, random: seededRandom(1), keys: 100_000, skew: 0.99 });
}

function movingWindow(): Trace {
  return shiftingWindowTrace({
    requests: 200_000,
    random: seededRandom(2),
    window: 2_000,
    readsPerKey: 20,
  });
}

function recent(): Trace {
  return stackDistanceTrace({
    requests: 200_000,
    random: seededRandom(3),
    meanDistance: 300,
    newShare: 0.02,
  });
}

/** Through the cache as it is used, in percent. */
export async function hitsInPercent(
  trace: Trace,
  policy: EvictionPolicy,
  maxEntries: number,
): Promise<number> {
  const cache = createCache({
    values: "share",
    l1: { policy, maxEntries, maxBytes: Number.POSITIVE_INFINITY },
  });
  let loads = 0;
  const numbers = cache.define<number, number>("number", {
    key: String,
    load: (number) => {
      loads++;
      return number;
    },
    ttlMs: 3_600_000,
  });
  for (const number of trace) await numbers.get(number);
  await cache.close();
  return 100 * (1 - loads / trace.length);
}

export function bestInPercent(trace: Trace, maxEntries: number): number {
  return 100 * beladyHitRatio(trace, maxEntries);
}
