/**
 * What a client's request becomes on its way to a target.
 *
 * Nothing of it is resolved as a URL: a target is chosen by the balancer alone, and the path is taken
 * as it is or refused. So no request can name the server it is sent to. What is refused is
 * refused before anything is sent.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Key } from "@headroom/hashing";
import type { Inbound } from "./forwarded.ts";
import { refuseRequestHeaders } from "./header-rules.ts";
import { stripRequestHeaders } from "./hop-by-hop.ts";
import type { ProxyRules } from "./proxy-options.ts";
import { isNamed } from "./raw-headers.ts";
import { LOOP, type Refusal } from "./refusal.ts";
import { joinPath, refuseRequestTarget } from "./request-target.ts";
import type { Routing } from "./routing.ts";

/** Why this request is not passed on; `undefined` when it may be. */
export function refuseRequest(request: IncomingMessage, rules: ProxyRules): Refusal | undefined {
  const { rawHeaders, httpVersionMinor, method = "GET", url = "/" } = request;
  return (
    refuseRequestHeaders(rawHeaders, httpVersionMinor, rules.limits) ??
    refuseRequestTarget(method, url) ??
    (rules.forwarding.loops(rawHeaders) ? LOOP : undefined)
  );
}

/** Where it goes, below the target's own address. */
export function forwardedPath({ url = "/" }: IncomingMessage, { prefix }: ProxyRules): string {
  return prefix === "" ? url : joinPath(prefix, url);
}

/** The headers that the target gets, flat: `["accept", "text/html", …]`. */
export function forwardedHeaders(request: IncomingMessage, { forwarding }: ProxyRules): string[] {
  const headers = stripRequestHeaders(request.rawHeaders, forwarding.drops);
  forwarding.append(headers, inboundOf(request));
  return headers;
}

/** What the balancer is to know of a request; `undefined` when nothing, as in most setups. */
export function routingOf(
  request: IncomingMessage,
  rules: ProxyRules,
  targetIds: readonly string[] | undefined,
): Routing | undefined {
  const { key, sticky } = rules;
  if (key === undefined && sticky === undefined) return undefined;
  return {
    key: key === "ip" ? rules.forwarding.clientAddress(inboundOf(request)) : keyOf(request, rules),
    prefer: sticky === undefined ? undefined : sticky.targetOf(request.rawHeaders, targetIds ?? []),
  };
}

function keyOf(request: IncomingMessage, { key }: ProxyRules): Key | undefined {
  return typeof key === "function" ? key(request) : undefined;
}

/**
 * How many bytes follow: 0 for no body, Infinity when only its end will tell. HTTP/1.1 says so in the
 * headers, whatever the method. For a request that was not refused. O(headers)
 */
export function bodyBytes({ rawHeaders }: IncomingMessage): number {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length === 14 && isNamed(name, "content-length")) return Number(rawHeaders[index + 1]);
    if (name.length === 17 && isNamed(name, "transfer-encoding")) return Number.POSITIVE_INFINITY;
  }
  return 0;
}

function inboundOf(request: IncomingMessage): Inbound {
  const socket = request.socket as Socket & { readonly encrypted?: boolean };
  return {
    rawHeaders: request.rawHeaders,
    remoteAddress: socket.remoteAddress,
    encrypted: socket.encrypted === true,
    localPort: socket.localPort,
    httpVersion: request.httpVersion,
  };
}
