/** Servers from any function: a file, DNS, Consul, a cloud's API. */

import { requireFunction, requireKnownOptions, requirePositive } from "@headroom/core/options";
import { DISCOVERY_EVERY_MS, type Discovery } from "../discovery.ts";
import type { ServerConfig } from "../pool/replica-pool-options.ts";

export interface ResolverOptions {
  /** How often it is asked, in milliseconds. @default 5000 */
  readonly everyMs?: number | undefined;
}

/** All servers there are. The signal aborts when nobody wants the answer any more. */
export type ServerResolver = (
  signal: AbortSignal,
) => readonly ServerConfig[] | Promise<readonly ServerConfig[]>;

/**
 * Asks a function for the servers. What it throws leaves the list as it was.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function resolver(resolve: ServerResolver, options: ResolverOptions = {}): Discovery {
  requireFunction("resolve", resolve);
  requireKnownOptions("resolver", options, ["everyMs"]);
  return {
    name: "resolver",
    everyMs: requirePositive("everyMs", options.everyMs ?? DISCOVERY_EVERY_MS),
    async list({ signal }) {
      const servers = await resolve(signal);
      if (!Array.isArray(servers)) throw new TypeError("the resolver must give a list of servers");
      return servers;
    },
  };
}
