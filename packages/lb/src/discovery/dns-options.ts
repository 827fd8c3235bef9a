/** What the discoveries over DNS may be told, and whom they ask. */

import { Resolver } from "node:dns/promises";
import { type Backoff, decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { type Clock, systemClock } from "@headroom/core/clock";
import { onAbort } from "@headroom/core/on-abort";
import {
  requireClock,
  requireFunction,
  requireMethods,
  requirePositive,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import type { Discovery } from "../discovery.ts";
import { type Ask, type PollAnswer, poll } from "./poll.ts";

/** What is used of a `Resolver` of `node:dns/promises`. TTLs are in seconds. */
export interface DnsResolver {
  resolve4(hostname: string, options: { readonly ttl: true }): Promise<DnsAddressRecord[]>;
  resolve6(hostname: string, options: { readonly ttl: true }): Promise<DnsAddressRecord[]>;
  resolveSrv(name: string): Promise<DnsServiceRecord[]>;
}

export interface DnsAddressRecord {
  readonly address: string;
  readonly ttl: number;
}

export interface DnsServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** One address of a name: what a target found over DNS is. */
export interface DnsAddress {
  /** The name that was asked for: what goes into the Host header and the TLS server name. */
  readonly hostname: string;
  /** `"10.0.0.1"` or `"2001:db8::1"`. */
  readonly address: string;
  readonly port: number;
}

export interface DnsOptions {
  /**
   * Which addresses count: IPv4, IPv6 or `"both"`. A server that has one of each is two targets
   * with `"both"`.
   * @default 4
   */
  readonly family?: 4 | 6 | "both" | undefined;
  /**
   * An answer holds at least this long, in milliseconds, whatever its TTL says: the shortest time
   * between two questions.
   * @default 1_000
   */
  readonly minTtlMs?: number | undefined;
  /** An answer holds no longer, in milliseconds. @default 60_000 */
  readonly maxTtlMs?: number | undefined;
  /** How long one look-up may take, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * Whom to ask, for other servers than the system's: a `Resolver` of `node:dns/promises`.
   * @default one with the servers of the system
   */
  readonly resolver?: DnsResolver | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

export const DNS_OPTIONS: readonly (keyof DnsOptions)[] = [
  "family",
  "minTtlMs",
  "maxTtlMs",
  "timeoutMs",
  "resolver",
  "clock",
  "random",
];

export type IpFamily = 4 | 6;

/** {@link DnsOptions}, checked and complete. */
export interface DnsRules {
  readonly families: readonly IpFamily[];
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly timeoutMs: number;
  readonly backoff: Backoff;
  /** `undefined`: one of our own. */
  readonly resolver: DnsResolver | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws TypeError or RangeError naming the option that is out of its range. */
export function dnsRules(options: DnsOptions): DnsRules {
  const minTtlMs = requirePositive("minTtlMs", options.minTtlMs ?? 1_000);
  const maxTtlMs = requirePositive("maxTtlMs", options.maxTtlMs ?? 60_000);
  if (maxTtlMs < minTtlMs) {
    throw new RangeError(`maxTtlMs must be at least minTtlMs (${minTtlMs}), got ${maxTtlMs}`);
  }
  const { resolver } = options;
  return {
    families: requireFamilies(options.family ?? 4),
    minTtlMs,
    maxTtlMs,
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 5_000),
    backoff: decorrelatedJitterBackoff({ baseMs: minTtlMs, maxMs: maxTtlMs }),
    resolver:
      resolver && requireMethods("resolver", resolver, ["resolve4", "resolve6", "resolveSrv"]),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}

/**
 * A discovery that asks `begin(resolver)`. A resolver that is ours is told to stop when nobody waits
 * for its answer any more: a question under way keeps a process alive. One of the application's
 * is not, since `cancel` would end its other questions too.
 */
export function askDns<T>(
  what: string,
  rules: DnsRules,
  begin: (resolver: DnsResolver) => () => Promise<PollAnswer<T>>,
): Discovery<T> {
  const beginLife = (): Ask<T> => {
    if (rules.resolver !== undefined) return begin(rules.resolver);
    // Two tries, the second of which takes twice as long: both fit into the time.
    const own = new Resolver({ timeout: Math.ceil(rules.timeoutMs / 3), tries: 2 });
    const ask = begin(own);
    return async (signal) => {
      const stopWaiting = onAbort(signal, () => own.cancel());
      try {
        return await ask();
      } finally {
        stopWaiting();
      }
    };
  };
  return poll(beginLife, { what, ...rules });
}

/** `"10.0.0.1:80"`, `"[2001:db8::1]:80"`: the same in every refresh and every process. */
export function addressId({ address, port }: DnsAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function requireFamilies(family: 4 | 6 | "both"): readonly IpFamily[] {
  if (family === "both") return [4, 6];
  if (family === 4 || family === 6) return [family];
  throw new TypeError(`family must be 4, 6 or "both", got ${String(family)}`);
}
