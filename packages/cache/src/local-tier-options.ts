/** How large the tier in the process may be, for each definition. */

import { requireCount, requireKnownOptions, requirePositive } from "@headroom/core/options";
import type { EvictionPolicy, LocalStoreLimits } from "./local-store.ts";

/** Limits hold for each definition: one cannot push out another's values. */
export interface LocalTierOptions {
  /**
   * Which entry goes when there is no room: `"lru"`, `"lfu"`, `"fifo"` or `"s3fifo"`.
   * @default "lru"
   */
  readonly policy?: EvictionPolicy | undefined;
  /** @default 10_000 */
  readonly maxEntries?: number | undefined;
  /**
   * By the size in the shared store, or an estimate; `Infinity` for none.
   * @default 64 MiB
   */
  readonly maxBytes?: number | undefined;
}

const POLICIES: readonly EvictionPolicy[] = ["lru", "lfu", "fifo", "s3fifo"];

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function localTierRules(
  options: LocalTierOptions | false,
): (LocalStoreLimits & { readonly policy: EvictionPolicy }) | false {
  if (options === false) return false;
  requireKnownOptions("l1", options, ["policy", "maxEntries", "maxBytes"]);
  const { policy = "lru", maxEntries = 10_000, maxBytes = 64 * 2 ** 20 } = options;
  if (!POLICIES.includes(policy)) {
    throw new TypeError(`l1.policy must be one of ${POLICIES.join(", ")}, got ${String(policy)}`);
  }
  return {
    policy,
    maxEntries: requireCount("l1.maxEntries", maxEntries),
    maxBytes:
      maxBytes === Number.POSITIVE_INFINITY ? maxBytes : requirePositive("l1.maxBytes", maxBytes),
  };
}
