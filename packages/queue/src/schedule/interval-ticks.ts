/** Every so often, counted from the epoch: so all processes agree without a word. */

import { requireCount } from "@headroom/core/options";
import type { Ticks } from "./ticks.ts";

/** Shorter ones are no schedules but loops. */
const SHORTEST_MS = 1_000;

/**
 * @param everyMs whole milliseconds, a second at least. 3,600,000 ticks at each full hour of UTC.
 * @throws TypeError or RangeError naming `everyMs`.
 */
export function intervalTicks(everyMs: number): Ticks {
  requireCount("everyMs", everyMs, { min: SHORTEST_MS });
  const upTo = (ms: number): number => Math.floor(ms / everyMs) * everyMs;
  return { after: (ms) => upTo(ms) + everyMs, upTo };
}
