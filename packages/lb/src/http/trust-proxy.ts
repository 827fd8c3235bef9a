/**
 * Which peers may speak for their clients: Express's `trust proxy`, with all the values it takes.
 *
 * Addresses and ranges are compared by `proxy-addr`, the library behind Express, so that both
 * judge alike. Parsing an address takes it about a microsecond, and a proxy sees few peers again
 * and again; so its answers are remembered, for as many peers as a front of load balancers has, and
 * forgotten all at once when there are more.
 */

import proxyAddr from "proxy-addr";

/**
 * `false`: nobody. `true`: everybody, so that the leftmost address counts, which any client can
 * write. A number: so many hops, counted from us. A text: addresses, ranges (`"10.0.0.0/8"`) and the
 * names `loopback`, `linklocal`, `uniquelocal`, separated by commas. A list of such texts. A
 * function of the address and the hop, 0 being the peer itself.
 */
export type TrustProxy =
  | boolean
  | number
  | string
  | readonly string[]
  | ((address: string, hop: number) => boolean);

export type Trusts = (address: string, hop: number) => boolean;

const REMEMBERED_PEERS = 1_024;

/** @throws TypeError when `trustProxy` is none of these, or has no address where one should be. */
export function trustFunction(trustProxy: TrustProxy): Trusts {
  if (typeof trustProxy === "boolean") return () => trustProxy;
  if (typeof trustProxy === "function") return (address, hop) => Boolean(trustProxy(address, hop));
  if (typeof trustProxy === "number") {
    if (!Number.isSafeInteger(trustProxy) || trustProxy < 0) {
      throw new RangeError(`trustProxy must be a whole number of hops, got ${trustProxy}`);
    }
    return (_address, hop) => hop < trustProxy;
  }
  return remembered(compiled(rangesOf(trustProxy)));
}

function rangesOf(trustProxy: string | readonly string[]): string[] {
  const ranges = typeof trustProxy === "string" ? trustProxy.split(",") : trustProxy;
  if (!Array.isArray(ranges) || !ranges.every((range) => typeof range === "string")) {
    throw new TypeError(
      "trustProxy must be true, false, a number of hops, addresses and ranges, or a function",
    );
  }
  return ranges.map((range) => range.trim()).filter((range) => range !== "");
}

function compiled(ranges: string[]): Trusts {
  if (ranges.length === 0) return () => false;
  try {
    return proxyAddr.compile(ranges);
  } catch (error) {
    throw new TypeError(`trustProxy: ${error instanceof Error ? error.message : "bad range"}`);
  }
}

/** Of a rule that looks at the address alone. */
function remembered(trusts: Trusts): Trusts {
  const known = new Map<string, boolean>();
  return (address, hop) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    if (known.size >= REMEMBERED_PEERS) known.clear();
    const trusted = trusts(address, hop);
    known.set(address, trusted);
    return trusted;
  };
}
