/**
 * Which headers go on to the other side.
 *
 * Some headers are about one connection only. Passed on they break the next one, or let a client
 * talk to the upstream's framing behind our back (request smuggling, an h2c upgrade through the
 * proxy). Dropped are, both ways:
 *
 * - the ones known to be such: `Connection`, `Keep-Alive`, `Proxy-Connection`,
 *   `Proxy-Authenticate`, `Proxy-Authorization`, `Proxy-Authentication-Info`, `TE`, `Trailer`,
 *   `Transfer-Encoding`, `Upgrade`, `HTTP2-Settings`. A client that takes trailers keeps being
 *   able to say so: `TE` is replaced by `te: trailers` if that is in it;
 * - every one that `Connection` names (RFC 9110 §7.6.1), **except the protected ones**. The sender
 *   chooses that list, so it must not be able to remove what somebody before us added or what
 *   others rely on: `Connection: X-Forwarded-For` hides an address (CVE-2022-31813, Apache),
 *   `Connection: X-F5-Auth-Token` a credential (CVE-2022-1388, F5), and likewise `Host`,
 *   `Authorization`, `Cookie`, `Cache-Control`, `Content-Length`. What may be meant for the
 *   upstream is therefore kept; see `isProtected`.
 *
 * A request also loses `Expect`: Node's server has answered "100 Continue" itself, and undici
 * refuses to send the header. An answer with `Transfer-Encoding` loses its `Content-Length`, which
 * then counts for nothing (RFC 9112 §6.3) but would be believed by the client.
 *
 * This runs for each request and each answer, so names are told apart by their length before
 * anything else, and `Connection: keep-alive`, which is nearly all there is, sets up nothing.
 *
 * Sources: RFC 9110 §7.6.1, RFC 9112 §6; N. Davison, "Abusing HTTP hop-by-hop request headers"
 * (2019); Go's `httputil.ReverseProxy`; Caddy `reverseproxy`.
 */

import { type RawHeaders, textOf } from "./raw-headers.ts";

/** Tells further headers that shall not pass, by name as it came, in any case. */
export type HeaderFilter = (name: string) => boolean;

/**
 * The headers of a request that are for the target: a new flat list, order and case kept.
 * `Host` and `Content-Length` stay. O(headers).
 *
 * @param drop what else is not to pass.
 */
export function stripRequestHeaders(raw: readonly string[], drop?: HeaderFilter): string[] {
  const named = namedByConnection(raw);
  const kept: string[] = [];
  let takesTrailers = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    if (isHopByHop(name)) {
      takesTrailers ||= name.length === 2 && hasToken(value, "trailers");
      continue;
    }
    if (name.length === 6 && name.toLowerCase() === "expect") continue;
    if (named?.has(name.toLowerCase()) || drop?.(name)) continue;
    kept.push(name, value);
  }
  if (takesTrailers) kept.push("te", "trailers");
  return kept;
}

/**
 * The headers of an answer that are for the client, as text: a new flat list that
 * `response.writeHead` takes. Order and case kept, repeated ones stay apart. O(headers).
 */
export function stripAnswerHeaders(raw: RawHeaders): string[] {
  const named = namedByConnection(raw);
  const kept: string[] = [];
  let isCoded = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = textOf(raw[index] ?? "");
    if (isHopByHop(name)) {
      isCoded ||= name.length === TRANSFER_ENCODING.length && isTransferEncoding(name);
      continue;
    }
    if (named?.has(name.toLowerCase())) continue;
    const value = raw[index + 1] ?? "";
    if (Array.isArray(value)) for (const each of value) kept.push(name, textOf(each));
    else kept.push(name, textOf(value));
  }
  return isCoded ? without(kept, "content-length") : kept;
}

const TRANSFER_ENCODING = "transfer-encoding";

function isTransferEncoding(name: string): boolean {
  return name.toLowerCase() === TRANSFER_ENCODING;
}

function without(headers: readonly string[], lowerCase: string): string[] {
  return headers.filter((_, index) => headers[index & ~1]?.toLowerCase() !== lowerCase);
}

/** Whether a header of this name, in any case, is about one connection only. */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return name.toLowerCase() === "te";
    case 7: {
      const lower = name.toLowerCase();
      return lower === "upgrade" || lower === "trailer";
    }
    case 10: {
      const lower = name.toLowerCase();
      return lower === "connection" || lower === "keep-alive";
    }
    case 14:
      return name.toLowerCase() === "http2-settings";
    case 16:
      return name.toLowerCase() === "proxy-connection";
    case 17:
      return isTransferEncoding(name);
    case 18:
      return name.toLowerCase() === "proxy-authenticate";
    case 19:
      return name.toLowerCase() === "proxy-authorization";
    case 25:
      return name.toLowerCase() === "proxy-authentication-info";
    default:
      return false;
  }
}

/** What the `Connection` headers name and may be dropped, in lower case; `undefined`: nothing. */
function namedByConnection(raw: RawHeaders): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length !== 10 || textOf(name).toLowerCase() !== "connection") continue;
    const value = textOf(raw[index + 1] ?? "").toLowerCase();
    if (value === "keep-alive" || value === "close") continue;
    for (const option of value.split(",")) {
      const header = trimmed(option);
      if (header === "" || isProtected(header)) continue;
      named ??= new Set();
      named.add(header);
    }
  }
  return named;
}

/** Whether a comma-separated list has this token; parameters and case do not matter. */
function hasToken(list: string, token: string): boolean {
  return list.split(",").some((item) => trimmed(item).toLowerCase() === token);
}

/** Without the spaces and tabs that HTTP allows round list items; `trim` would take more. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Whether a header stays even if `Connection` names it. Asked only for the rare lists that name
 * anything, so it need not be fast, and rather keeps too much: an unknown header that stays is seen
 * by an upstream that does not know it.
 */
export function isProtected(lowerCase: string): boolean {
  if (PROTECTED.has(lowerCase)) return true;
  if (lowerCase.includes("auth") || lowerCase.includes("token")) return true;
  return PROTECTED_PREFIXES.some((prefix) => lowerCase.startsWith(prefix));
}

/** Families: what the content is, whom it comes from, what a browser enforces. */
const PROTECTED_PREFIXES = [
  "accept",
  "access-control-",
  "content-",
  "cross-origin-",
  "if-",
  "sec-",
  "x-forwarded",
];

const PROTECTED: ReadonlySet<string> = new Set([
  // whom the request is for, who sends it, what was added on its way
  "host",
  "cookie",
  "set-cookie",
  "origin",
  "referer",
  "user-agent",
  "forwarded",
  "via",
  "x-real-ip",
  "x-api-key",
  "x-client-ip",
  "x-request-id",
  "true-client-ip",
  "cf-connecting-ip",
  "cdn-loop",
  "max-forwards",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "baggage",
  // what caches go by
  "age",
  "cache-control",
  "date",
  "etag",
  "expires",
  "last-modified",
  "pragma",
  "range",
  "vary",
  // what the answer means
  "allow",
  "location",
  "retry-after",
  "server",
  // what a browser enforces
  "permissions-policy",
  "referrer-policy",
  "strict-transport-security",
  "x-content-type-options",
  "x-frame-options",
  "x-requested-with",
]);
