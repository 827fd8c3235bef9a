/**
 * Where a web server is, in the ways in which an application or a discovery may say it.
 *
 *     "http://10.0.0.1:3000"                                       an origin
 *     { url: "https://api.example", weight: 2, zone: "a" }         an origin with its options
 *     { hostname: "api.internal", address: "10.0.0.7", port: 80 }  what DNS answers
 *
 * Only an origin: a path would be ignored, and a user name or password would end up in messages.
 */

import { isIP } from "node:net";
import type { TargetOptions } from "../target.ts";

/** A target of an HTTP load balancer, by its URL or with options. */
export type HttpTargetOptions =
  | string
  | URL
  | {
      /** `"http://10.0.0.1:3000"`: scheme, host and port, no path. */
      readonly url: string | URL;
      /** What it is called in statistics and telemetry; unique. @default host and port */
      readonly id?: string | undefined;
      /** Its share of the requests, relative to the others; above 0. @default 1 */
      readonly weight?: number | undefined;
      /** Where it is: with the balancer's option `zone`, near ones come first. */
      readonly zone?: string | undefined;
      /** 0 is first; the others are used when too few of it are healthy. @default 0 */
      readonly priority?: number | undefined;
    };

/** What a discovery may find: an origin, or the parts that DNS knows. */
export type DiscoveredServer = string | URL | HttpAddress;

export interface HttpAddress {
  /** The name for `Host` and for the certificate. */
  readonly hostname: string;
  /** The IP address to connect to. @default what the name resolves to, at each connection */
  readonly address?: string | undefined;
  /** @default 80, or 443 with `protocol: "https"` */
  readonly port?: number | undefined;
}

/** One server, checked. */
export interface HttpEndpoint {
  /** `"http://10.0.0.1:3000"` */
  readonly origin: string;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  /** The IP address to connect to, when it is known. */
  readonly address: string | undefined;
  readonly secure: boolean;
}

export type Protocol = "http" | "https";

/**
 * @throws TypeError when it is no origin of http or https.
 */
export function httpEndpoint(server: DiscoveredServer, protocol: Protocol): HttpEndpoint {
  const isAddress = typeof server === "object" && "hostname" in server && !(server instanceof URL);
  const url = isAddress ? urlOf(server, protocol) : originOf(server);
  const address = isAddress ? server.address : undefined;
  if (address !== undefined && isIP(address) === 0) {
    throw new TypeError("the address of a target must be an IP address");
  }
  return {
    origin: url.origin,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    address,
    secure: url.protocol === "https:",
  };
}

/** What the balancer is to know of a target, with `make` for the target itself. */
export function targetOptions<T>(
  options: HttpTargetOptions,
  make: (server: string | URL) => T,
): TargetOptions<T> {
  if (typeof options === "string" || options instanceof URL) {
    return { id: idOf(originOf(options)), target: make(options) };
  }
  const { url, id, ...rest } = options;
  const origin = originOf(url);
  return { ...rest, id: id ?? idOf(origin), target: make(origin) };
}

/** `"10.0.0.1:3000"`; the port is always there. */
function idOf(url: URL): string {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return `${url.hostname}:${port}`;
}

function originOf(server: string | URL): URL {
  const url = parsed(server);
  if (url === undefined) {
    throw new TypeError('a target must be a URL such as "http://10.0.0.1:3000"');
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`a target must be of http: or https:, got ${url.protocol}`);
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new TypeError(
      `a target must be an origin without path, query or user: ${url.protocol}//${url.host}`,
    );
  }
  return url;
}

function urlOf({ hostname, port }: HttpAddress, protocol: Protocol): URL {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
  const url = parsed(`${protocol}://${host}${port === undefined ? "" : `:${port}`}`);
  if (url?.pathname === "/" && url.username === "" && url.search === "" && url.hash === "") {
    return url;
  }
  throw new TypeError("a target must have a host name and a port");
}

/** Not `URL.parse`, which Node 20 lacks; nor what `new URL` throws, since that holds the whole text. */
function parsed(server: string | URL): URL | undefined {
  if (server instanceof URL) return server;
  return typeof server === "string" && URL.canParse(server) ? new URL(server) : undefined;
}
