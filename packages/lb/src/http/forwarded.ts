/**
 * What a target is told about the way a request came.
 *
 * Behind a proxy every connection comes from the proxy; who the client is, and by which scheme and
 * name it asked, is passed on in headers. Anybody can write such headers. So what comes in counts
 * only if it comes from a peer that is trusted (`trustProxy`, with Express's meaning, none by
 * default). From all others these headers are dropped, and ours say what we know ourselves:
 *
 * - `X-Forwarded-For`: the peer's address, after those that a trusted peer reported;
 * - `X-Forwarded-Proto`, `-Host`, `-Port`: how *we* were asked, or what a trusted peer said;
 * - `Forwarded` (RFC 7239), if wanted: the same in one header;
 * - `Via` (RFC 9110 §7.6.3): that the message passed here, under a pseudonym. A request that comes
 *   back with it has gone in a circle.
 *
 * Dropped from an untrusted peer is every `X-Forwarded…`, `Forwarded` and `X-Real-IP`, also
 * written with underscores, which CGI and its heirs read as hyphens. Headers of one vendor
 * (`CF-Connecting-IP`, `True-Client-IP`) are not known here and pass: an application that reads them
 * must be reachable through that vendor only.
 *
 * The pseudonym is random for each process, so that two proxies in a row are no loop. `Host` is not
 * passed on, or a client could choose a virtual host of the target (`preserveHost` does it).
 */

import { randomBytes } from "node:crypto";
import { requireKnownOptions } from "@headroom/core/options";
import { headerOf, isNamed } from "./raw-headers.ts";
import { type TrustProxy, type Trusts, trustFunction } from "./trust-proxy.ts";

export type { TrustProxy } from "./trust-proxy.ts";

export interface ForwardingOptions {
  /**
   * Which peers may say who the client is: none (`false`), all (`true`), the nearest so many hops,
   * addresses and ranges (`"loopback"`, `"10.0.0.0/8, ::1"`, or a list of such), or a function.
   * @default false
   */
  readonly trustProxy?: TrustProxy | undefined;
  /**
   * Whether to send `Forwarded` as well.
   * @default false
   */
  readonly forwarded?: boolean | undefined;
  /**
   * Whether the target gets the client's `Host` instead of its own.
   * @default false
   */
  readonly preserveHost?: boolean | undefined;
  /**
   * Our name in `Via`: a token.
   * @default "headroom-" and eight random characters
   */
  readonly pseudonym?: string | undefined;
}

/** What is known about a request that came in. */
export interface Inbound {
  /** Flat: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** The peer of the connection; `undefined` when it is gone. */
  readonly remoteAddress: string | undefined;
  /** Whether it came over TLS. */
  readonly encrypted: boolean;
  readonly localPort: number | undefined;
  /** `"1.1"`. */
  readonly httpVersion: string;
}

export interface Forwarding {
  readonly pseudonym: string;
  /** What is not passed on as it came: for `stripRequestHeaders`. */
  drops(name: string): boolean;
  /** Adds to the headers for the target what is to be said about the way. O(headers). */
  append(headers: string[], inbound: Inbound): void;
  /** Adds our entry of `Via` to the headers for the client. `httpVersion` is the target's. */
  appendAnswerVia(headers: string[], httpVersion: string): void;
  /** Whether the request has passed here before. O(headers). */
  loops(rawHeaders: readonly string[]): boolean;
  /** The first address on the way back that is not trusted: Express's `request.ip`. */
  clientAddress(inbound: Inbound): string | undefined;
}

/** @throws TypeError or RangeError naming the option that is unknown or malformed. */
export function createForwarding(options: ForwardingOptions = {}): Forwarding {
  requireKnownOptions("forwarding", options, [
    "trustProxy",
    "forwarded",
    "preserveHost",
    "pseudonym",
  ]);
  const { forwarded = false, preserveHost = false } = options;
  const trusts = trustFunction(options.trustProxy ?? false);
  const { pseudonym = `headroom-${randomBytes(4).toString("hex")}` } = options;
  requireToken("pseudonym", pseudonym);

  return {
    pseudonym,
    drops: (name) => isForwardingHeader(name) || (!preserveHost && isNamed(name, "host")),
    append(headers, inbound) {
      const { remoteAddress, rawHeaders, httpVersion } = inbound;
      const trusted = remoteAddress !== undefined && trusts(remoteAddress, 0);
      const said = trusted ? saidBefore(headers, rawHeaders, forwarded) : NOTHING_SAID;
      appendWay(headers, inbound, said);
      if (forwarded) headers.push("forwarded", forwardedValue(inbound, said));
      headers.push("via", `${httpVersion} ${pseudonym}`);
    },
    appendAnswerVia(headers, httpVersion) {
      headers.push("via", `${httpVersion} ${pseudonym}`);
    },
    loops: (rawHeaders) => namesInVia(rawHeaders, pseudonym),
    clientAddress({ remoteAddress, rawHeaders }) {
      if (remoteAddress === undefined) return undefined;
      return plain(firstUntrusted(remoteAddress, rawHeaders, trusts));
    },
  };
}

/** From the peer backwards, as long as each is trusted to name the one before it. */
function firstUntrusted(peer: string, raw: readonly string[], trusts: Trusts): string {
  if (!trusts(peer, 0)) return peer;
  const before = listed(raw, "x-forwarded-for")?.split(",") ?? [];
  let address = peer;
  for (let hop = 0; trusts(address, hop); hop++) {
    const previous = before.pop()?.trim();
    if (previous === undefined || previous === "") break;
    address = previous;
  }
  return address;
}

/** What a trusted peer said. */
interface Said {
  readonly for?: string | undefined;
  readonly proto?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly forwarded?: string | undefined;
}

const NOTHING_SAID: Said = {};

/** Reads what we go on from; what else a trusted peer said goes back to where it was dropped. */
function saidBefore(headers: string[], raw: readonly string[], writesForwarded: boolean): Said {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (!isForwardingHeader(name) || isRewritten(name, writesForwarded)) continue;
    headers.push(name, raw[index + 1] ?? "");
  }
  return {
    for: listed(raw, "x-forwarded-for"),
    proto: headerOf(raw, "x-forwarded-proto"),
    host: headerOf(raw, "x-forwarded-host"),
    port: headerOf(raw, "x-forwarded-port"),
    forwarded: listed(raw, "forwarded"),
  };
}

/** A list may be spread over several headers of one name. */
function listed(raw: readonly string[], lowerCase: string): string | undefined {
  let list: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (!isNamed(raw[index] ?? "", lowerCase)) continue;
    const value = raw[index + 1] ?? "";
    list = list === undefined ? value : `${list}, ${value}`;
  }
  return list;
}

function appendWay(headers: string[], inbound: Inbound, said: Said): void {
  const peer = plain(inbound.remoteAddress) ?? "unknown";
  const host = said.host ?? headerOf(inbound.rawHeaders, "host");
  const port = said.port ?? inbound.localPort;
  headers.push("x-forwarded-for", said.for === undefined ? peer : `${said.for}, ${peer}`);
  headers.push("x-forwarded-proto", said.proto ?? schemeOf(inbound));
  if (host !== undefined) headers.push("x-forwarded-host", host);
  if (port !== undefined) headers.push("x-forwarded-port", String(port));
}

/** RFC 7239 §4: what is no token is quoted, an IPv6 address is in brackets besides. */
function forwardedValue(inbound: Inbound, said: Said): string {
  const peer = plain(inbound.remoteAddress) ?? "unknown";
  const node = peer.includes(":") ? `"[${peer}]"` : peer;
  const host = headerOf(inbound.rawHeaders, "host");
  const hostPair = host === undefined ? "" : `;host=${isToken(host) ? host : `"${host}"`}`;
  const hop = `for=${node}${hostPair};proto=${schemeOf(inbound)}`;
  return said.forwarded === undefined ? hop : `${said.forwarded}, ${hop}`;
}

function schemeOf(inbound: Inbound): "http" | "https" {
  return inbound.encrypted ? "https" : "http";
}

/** An IPv4 address as such, also where a socket for both versions reports it mapped into IPv6. */
function plain(address: string | undefined): string | undefined {
  const isMapped = address?.startsWith("::ffff:") && address.includes(".");
  return isMapped ? address?.slice(7) : address;
}

/** What only a proxy may say. */
function isForwardingHeader(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  if (first !== 0x78 && first !== 0x66) return false; // x, f
  const lower = name.toLowerCase().replaceAll("_", "-");
  return lower.startsWith("x-forwarded") || lower === "forwarded" || lower === "x-real-ip";
}

/** What `append` writes itself, also after a trusted peer; underscores are no way round that. */
function isRewritten(name: string, writesForwarded: boolean): boolean {
  switch (name.toLowerCase().replaceAll("_", "-")) {
    case "x-forwarded-for":
    case "x-forwarded-proto":
    case "x-forwarded-host":
    case "x-forwarded-port":
      return true;
    case "forwarded":
      return writesForwarded;
    default:
      return false;
  }
}

/** Each entry of `Via` is a protocol, a name and perhaps a comment. */
function namesInVia(raw: readonly string[], pseudonym: string): boolean {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length !== 3 || name.toLowerCase() !== "via") continue;
    const hops = (raw[index + 1] ?? "").split(",");
    if (hops.some((hop) => hop.trim().split(/[ \t]+/)[1] === pseudonym)) return true;
  }
  return false;
}

function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~\w]+$/.test(text);
}

function requireToken(name: string, value: string): void {
  if (typeof value === "string" && isToken(value)) return;
  throw new TypeError(`${name} must be a token of letters, digits and hyphens`);
}
