/**
 * The addresses of names, as far as DNS tells.
 *
 * An answer and a failure are different things. "There is no such name" and "it has no address of this
 * family" are answers: the addresses are gone. A server that does not answer, or says SERVFAIL, tells
 * nothing: what it said before still stands. So for each name and family the last good addresses
 * are kept, and take the place of an answer that did not come.
 *
 * Addresses are in one order and without repetition, since name servers rotate them with each answer.
 */

import { isIP } from "node:net";
import type { DnsAddressRecord, DnsResolver, DnsRules, IpFamily } from "./dns-options.ts";

/** What is known of one name. */
export interface Found {
  readonly addresses: readonly string[];
  /** How long that holds, in milliseconds: the shortest TTL, within the bounds. */
  readonly validMs: number;
  /** Questions that got no answer; what was known before is among `addresses`. */
  readonly failures: readonly unknown[];
  /** Answers that there is nothing, as the resolver throws them. */
  readonly absences: readonly unknown[];
  /** Whether no question got an answer. */
  readonly isUnknown: boolean;
}

export class AddressBook {
  readonly #resolver: DnsResolver;
  readonly #rules: DnsRules;
  readonly #known = new Map<string, readonly string[]>();

  constructor(resolver: DnsResolver, rules: DnsRules) {
    this.#resolver = resolver;
    this.#rules = rules;
  }

  /** Asks for the addresses of a name; an address is its own, for ever, in brackets or without. */
  async find(hostname: string): Promise<Found> {
    const literal = literalAddress(hostname);
    if (literal !== undefined) return { ...NOTHING, addresses: [literal], isUnknown: false };
    const { families } = this.#rules;
    const answers = await Promise.all(families.map((family) => this.#ask(hostname, family)));
    return {
      addresses: answers.flatMap(({ addresses }) => addresses),
      validMs: Math.min(this.#rules.maxTtlMs, ...answers.map(({ validMs }) => validMs)),
      failures: answers.flatMap(({ failures }) => failures),
      absences: answers.flatMap(({ absences }) => absences),
      isUnknown: answers.every(({ isUnknown }) => isUnknown),
    };
  }

  /** Forgets every other name. */
  keepOnly(hostnames: ReadonlySet<string>): void {
    for (const question of this.#known.keys()) {
      if (!hostnames.has(question.slice(2))) this.#known.delete(question);
    }
  }

  /** One question. Never rejects. */
  async #ask(hostname: string, family: IpFamily): Promise<Found> {
    const question = `${family} ${hostname}`;
    try {
      const records = await this.#resolve(hostname, family);
      const addresses = [...new Set(records.map(({ address }) => address))].sort();
      this.#known.set(question, addresses);
      return { ...NOTHING, addresses, validMs: this.#validMs(records), isUnknown: false };
    } catch (error) {
      if (!isAbsence(error)) {
        return { ...NOTHING, addresses: this.#known.get(question) ?? [], failures: [error] };
      }
      this.#known.delete(question);
      return { ...NOTHING, absences: [error], isUnknown: false };
    }
  }

  async #resolve(hostname: string, family: IpFamily): Promise<DnsAddressRecord[]> {
    const records = await (family === 4
      ? this.#resolver.resolve4(hostname, { ttl: true })
      : this.#resolver.resolve6(hostname, { ttl: true }));
    if (records.length === 0) throw noAddress(`${hostname} has no IPv${family} address`);
    return records;
  }

  #validMs(records: readonly DnsAddressRecord[]): number {
    const { minTtlMs, maxTtlMs } = this.#rules;
    const shortestMs = Math.min(...records.map(({ ttl }) => 1_000 * ttl));
    return Math.min(maxTtlMs, Math.max(minTtlMs, shortestMs));
  }
}

const NOTHING: Found = {
  addresses: [],
  validMs: Number.POSITIVE_INFINITY,
  failures: [],
  absences: [],
  isUnknown: true,
};

/** An error that says, as the resolver's own do, that the answer is: nothing. */
export function noAddress(message: string): Error {
  return Object.assign(new Error(message), { code: "ENODATA" });
}

function isAbsence(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ENOTFOUND" || error.code === "ENODATA";
}

function literalAddress(hostname: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(hostname)?.[1] ?? hostname;
  return isIP(bare) === 0 ? undefined : bare;
}
