/**
 * Targets are the addresses of a name: its A and AAAA records.
 *
 * The name servers are asked directly (c-ares, `resolve4` and `resolve6`), not through `getaddrinfo`,
 * which keeps the TTL to itself and holds a thread of libuv's pool while it waits. It follows that
 * `/etc/hosts` is not read, so `localhost` is not found, and that the search domains of
 * `resolv.conf` are not tried: a name is written in full, `api.default.svc.cluster.local`.
 *
 * An answer holds for its TTL, between `minTtlMs` and `maxTtlMs`. There is no other lower bound on
 * the time between two questions. gRPC has one of 30 s because it asks again whenever a connection
 * fails, and does so without one for all connections together (grpc-node issue 2023); here only time
 * asks, so a name with a TTL of 5 s is followed within 5 s.
 *
 * An answer without addresses is a failure: a name that suddenly does not exist is a mistake in a zone
 * far more often than the wish to have no servers. The last addresses stay in use.
 */

import { requireCount, requireKnownOptions, requireText } from "@headroom/core/options";
import type { Discovery } from "../discovery.ts";
import { AddressBook } from "./address-book.ts";
import {
  addressId,
  askDns,
  DNS_OPTIONS,
  type DnsAddress,
  type DnsOptions,
  dnsRules,
} from "./dns-options.ts";

export interface DnsTargetsOptions extends DnsOptions {
  /** A name in full, `"api.internal"`; or an address, which is not asked for and never changes. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * A target for each address of `hostname`: `{ id: "10.0.0.1:80", target: { hostname, address, port } }`.
 *
 * Look-ups that fail are reported with the resolver's error: codes `ENOTFOUND`, `ENODATA`,
 * `ESERVFAIL`, `ETIMEOUT`, …, or `DEADLINE_EXCEEDED`.
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function dnsTargets(options: DnsTargetsOptions): Discovery<DnsAddress> {
  requireKnownOptions("dnsTargets", options, ["hostname", "port", ...DNS_OPTIONS]);
  const hostname = requireText("hostname", options.hostname);
  const port = requirePort(options.port);
  const rules = dnsRules(options);
  return askDns(`looking up ${hostname}`, rules, (resolver) => {
    const book = new AddressBook(resolver, rules);
    return async () => {
      const { addresses, validMs, failures, absences, isUnknown } = await book.find(hostname);
      if (isUnknown || addresses.length === 0) throw failures[0] ?? absences[0];
      const targets = addresses.map((address) => {
        const target = { hostname, address, port };
        return { id: addressId(target), target };
      });
      return { targets, validMs, failures };
    };
  });
}

function requirePort(port: number): number {
  if (requireCount("port", port) <= 65_535) return port;
  throw new RangeError(`port must be at most 65535, got ${port}`);
}
