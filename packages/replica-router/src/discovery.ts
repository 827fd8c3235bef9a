/**
 * Who exists: the servers beside those that the application has named.
 *
 * A discovery is asked again and again and answers with the list as it is now. It only finds servers;
 * which of them is the primary, and which one answers, is seen by looking at them.
 */

import type { Clock } from "@headroom/core/clock";
import { requireMethods, requirePositive, requireText } from "@headroom/core/options";
import type { ServerConfig } from "./pool/replica-pool-options.ts";

export interface DiscoveryContext {
  /** Asks the primary. Rejects while there is none. */
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Aborts when the pool is ended, or the answer has taken too long. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface Discovery {
  /** For warnings: `"patroni"`. */
  readonly name: string;
  /** How often it is asked, in milliseconds. */
  readonly everyMs: number;
  /** All servers that it knows of. What it throws leaves the list as it was. */
  list(context: DiscoveryContext): Promise<readonly ServerConfig[]>;
}

/** How often, unless the application says otherwise. */
export const DISCOVERY_EVERY_MS = 5000;

export function requireDiscovery(discovery: Discovery): Discovery {
  requireMethods<Discovery>("discovery", discovery, ["list"]);
  requireText("discovery.name", discovery.name);
  requirePositive("discovery.everyMs", discovery.everyMs);
  return discovery;
}
