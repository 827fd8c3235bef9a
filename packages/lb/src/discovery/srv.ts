/**
 * Targets are what the SRV records of a service say (RFC 2782): hosts with a port, a priority and a
 * weight. Each host is looked up in turn, see `dns`.
 *
 * - **Priorities** may be any numbers up to 65535; what counts is their order, so they become 0, 1, 2.
 * - **Weights** count within their priority, so they are divided by their mean there. A name server that
 *   writes 100/n for each of n servers, as that of Kubernetes does, then leaves all weights at 1
 *   when a server comes or goes, and a hash ring need not be built 65535 times as large. Weight 0 is
 *   to be chosen hardly ever: it is a hundredth of the mean, unless all are 0.
 * - A host with several addresses is several targets, which share its weight.
 * - Node does not tell the TTL of an SRV record, so it is asked for again together with the addresses,
 *   when the shortest of their TTLs is over.
 *
 * A host that cannot be looked up keeps the addresses that it had, one that has none is left out.
 */

import { requireKnownOptions, requireText } from "@headroom/core/options";
import type { Discovery } from "../discovery.ts";
import type { TargetOptions } from "../target.ts";
import { AddressBook, type Found, noAddress } from "./address-book.ts";
import {
  addressId,
  askDns,
  DNS_OPTIONS,
  type DnsAddress,
  type DnsOptions,
  type DnsServiceRecord,
  dnsRules,
} from "./dns-options.ts";

export interface SrvTargetsOptions extends DnsOptions {
  /** The service, in full: `"_http._tcp.users.internal"`. */
  readonly name: string;
}

/** The chance of weight 0 beside a mean one. RFC 2782 wants it "very small". */
const HARDLY_EVER = 0.01;

/**
 * A target for each address of each host of the service, with its port, priority and weight.
 * Look-ups that fail are reported as with `dnsTargets`.
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function srvTargets(options: SrvTargetsOptions): Discovery<DnsAddress> {
  requireKnownOptions("srvTargets", options, ["name", ...DNS_OPTIONS]);
  const name = requireText("name", options.name);
  const rules = dnsRules(options);
  return askDns(`looking up ${name}`, rules, (resolver) => {
    const book = new AddressBook(resolver, rules);
    return async () => {
      const records = await resolver.resolveSrv(name);
      const offered = records.filter((record) => isOffered(record));
      if (offered.length === 0) throw noAddress(`${name} offers no host`);
      const hosts = new Map<string, Found>();
      const hostnames = new Set(offered.map((record) => record.name));
      const find = async (host: string) => void hosts.set(host, await book.find(host));
      await Promise.all([...hostnames].map(find));
      book.keepOnly(hostnames);
      const found = [...hosts.values()];
      const failures = found.flatMap((each) => each.failures);
      const targets = targetsOf(offered, hosts);
      if (targets.length === 0) throw failures[0] ?? found[0]?.absences[0];
      const validMs = Math.min(rules.maxTtlMs, ...found.map((each) => each.validMs));
      return { targets, validMs, failures };
    };
  });
}

/** The host "." says that there is decidedly no such service. */
function isOffered({ name }: DnsServiceRecord): boolean {
  return name !== "" && name !== ".";
}

interface Weighed {
  readonly target: DnsAddress;
  readonly priority: number;
  readonly weight: number;
}

function targetsOf(
  records: readonly DnsServiceRecord[],
  hosts: ReadonlyMap<string, Found>,
): TargetOptions<DnsAddress>[] {
  const ranks = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  const byId = new Map<string, Weighed>();
  for (const { name: hostname, port, priority: written, weight } of records) {
    const addresses = hosts.get(hostname)?.addresses ?? [];
    const priority = ranks.indexOf(written);
    for (const address of addresses) {
      const target = { hostname, address, port };
      const each = { target, priority, weight: weight / addresses.length };
      const id = addressId(target);
      byId.set(id, merged(byId.get(id), each));
    }
  }
  return relative([...byId].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One address under two records counts where it is preferred, and with both weights there. */
function merged(one: Weighed | undefined, other: Weighed): Weighed {
  if (one === undefined || other.priority < one.priority) return other;
  if (other.priority > one.priority) return one;
  return { ...one, weight: one.weight + other.weight };
}

function relative(
  weighed: readonly (readonly [id: string, Weighed])[],
): TargetOptions<DnsAddress>[] {
  return weighed.map(([id, { target, priority, weight }]) => {
    const peers = weighed.filter(([, peer]) => peer.priority === priority && peer.weight > 0);
    const mean = peers.reduce((sum, [, peer]) => sum + peer.weight, 0) / peers.length;
    const relativeWeight = peers.length === 0 ? 1 : weight / mean || HARDLY_EVER;
    return { id, target, priority, weight: relativeWeight };
  });
}
