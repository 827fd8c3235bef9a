/**
 * What two requests must have in common to get the same response.
 *
 * A cache is *poisoned* when something changes the response and is not in the key: an attacker's
 * response is then served to everybody. It is *deceived* when it takes two addresses for one, or a
 * private page for a public file. So:
 *
 * - The path is taken as it came, byte by byte: what is written differently is different. A path
 *   that servers are known to read in two ways (encoded slashes, `..`, `;`, `//`, NUL) is not
 *   cached at all.
 * - The query is in the key as it came; or, with a list of names, these alone are, and the handler
 *   is shown no others.
 * - Headers by which frameworks let a client rewrite the host, the path or the method are in the
 *   key when they are there.
 * - A GET with a body is not cached.
 *
 * Sources: PortSwigger, "Gotta cache 'em all" and "Practical web cache poisoning"; O. Gil, "Web
 * cache deception attack".
 */

import type { IncomingHttpHeaders } from "node:http";
import type { CacheRequest } from "./http-types.ts";

export interface RequestKeyRules {
  /** The only names of the query that count; undefined: the whole query as it is. */
  readonly query: readonly string[] | undefined;
  /** The only hosts that are cached, in lower case, with their port if they have one; undefined: all. */
  readonly hosts: readonly string[] | undefined;
}

export interface RequestKey {
  readonly key: string;
  /** What the handler should see instead of `request.url`; undefined: that. */
  readonly url: string | undefined;
}

/** Frameworks and proxies are known to build responses of these. */
const REWRITING_HEADERS = [
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-scheme",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-path",
  "x-forwarded-server",
  "forwarded",
  "x-host",
  "x-http-host-override",
  "x-original-host",
  "x-original-url",
  "x-rewrite-url",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-scheme",
  "x-url-scheme",
  "x-wap-profile",
  "front-end-https",
  "base-url",
  "request-uri",
  "x-proxy-url",
] as const;

/** Printable ASCII without `\`; `;` and encodings of NUL, `/`, `\`, `.`, `;`, `#`, `?` are read in two ways. */
const PLAIN_PATH =
  /^\/(?!\/)(?:[!$&-.0-:=@-Z_a-z~]|%(?!00|2e|2f|5c|3b|23|3f)[0-9a-f]{2}|\/(?!\/))*$/i;
const DOTS = /(^|\/)\.\.?(\/|$)/;
const PLAIN_QUERY = /^[!-"$-~]*$/;
const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** The key of a GET or HEAD; undefined: it must not be cached. */
export function requestKey(request: CacheRequest, rules: RequestKeyRules): RequestKey | undefined {
  const { method, headers } = request;
  if ((method !== "GET" && method !== "HEAD") || hasBody(headers)) return undefined;
  const host = (headers.host ?? "").toLowerCase();
  if (!HOST.test(host) || (rules.hosts !== undefined && !rules.hosts.includes(host))) {
    return undefined;
  }
  const [path, query] = splitTarget(request.originalUrl ?? request.url ?? "");
  if (!PLAIN_PATH.test(path) || DOTS.test(path) || !PLAIN_QUERY.test(query)) return undefined;
  const counted = rules.query === undefined ? query : countedQuery(query, rules.query);
  const rewriting = REWRITING_HEADERS.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]]],
  );
  const isSecure = (request.socket as { encrypted?: boolean } | undefined)?.encrypted === true;
  const key = JSON.stringify([isSecure, host, path, counted, ...rewriting]);
  return { key, url: counted === query ? undefined : shownUrl(request.url ?? "", counted) };
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf("?");
  return at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at)];
}

/** In the order of the list, so that the order in which a client writes them does not matter. */
function countedQuery(query: string, names: readonly string[]): string {
  const given = new URLSearchParams(query);
  const counted = new URLSearchParams();
  for (const name of names) for (const value of given.getAll(name)) counted.append(name, value);
  const text = counted.toString();
  return text === "" ? "" : `?${text}`;
}

function shownUrl(url: string, query: string): string {
  return splitTarget(url)[0] + query;
}
