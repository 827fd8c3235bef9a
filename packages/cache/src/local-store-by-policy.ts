/** The local store of each eviction policy, by its name. */

import { requireCount } from "@headroom/core/options";
import type { EvictionPolicy, LocalStore, LocalStoreLimits } from "./local-store.ts";
import { fifo } from "./policies/fifo.ts";
import { lfu } from "./policies/lfu.ts";
import { lru } from "./policies/lru.ts";
import { s3fifo } from "./policies/s3fifo.ts";

type Open = <Entry extends object>(limits: LocalStoreLimits) => LocalStore<Entry>;

const POLICIES: Record<EvictionPolicy, Open> = { lru, lfu, fifo, s3fifo };

/**
 * An empty store with this policy.
 *
 * @throws TypeError when there is no such policy.
 * @throws RangeError when a limit is no whole number of at least 1; `maxBytes` may be `Infinity`.
 */
export function createLocalStore<Entry extends object>(
  policy: EvictionPolicy,
  limits: LocalStoreLimits,
): LocalStore<Entry> {
  if (!Object.hasOwn(POLICIES, policy)) {
    const names = Object.keys(POLICIES).join(", ");
    throw new TypeError(`policy must be one of ${names}, got ${JSON.stringify(policy)}`);
  }
  const { maxEntries, maxBytes } = limits;
  return POLICIES[policy]<Entry>({
    maxEntries: requireCount("maxEntries", maxEntries),
    maxBytes: maxBytes === Number.POSITIVE_INFINITY ? maxBytes : requireCount("maxBytes", maxBytes),
  });
}
