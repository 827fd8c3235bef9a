/** What the reverse proxy may be told, and the check of it. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { requireFunction, requireKnownOptions, requireNonNegative } from "@headroom/core/options";
import type { Key } from "@headroom/hashing";
import type { LbError } from "../errors.ts";
import { createForwarding, type Forwarding, type ForwardingOptions } from "./forwarded.ts";
import { type HeaderLimitOptions, type HeaderLimits, headerLimits } from "./header-rules.ts";
import { pathPrefix } from "./request-target.ts";
import { createStickyCookie, type StickyCookieOptions } from "./sticky-cookie.ts";
import { StickyRouting } from "./sticky-routing.ts";

export interface ProxyLimitOptions extends HeaderLimitOptions {
  /** A larger request is answered with 413. @default Infinity */
  readonly maxBodyBytes?: number | undefined;
}

export interface ProxyOptions extends ForwardingOptions {
  /** Put before the path of every request: `"/v2"`. @default none */
  readonly prefix?: string | undefined;
  /**
   * What keeps its target, for policies that hash: the client's address as `trustProxy` sees it, or
   * what a function makes of the request.
   * @default nothing
   */
  readonly key?: "ip" | ((request: IncomingMessage) => Key | undefined) | undefined;
  /** Keeps a browser at one target, by a cookie that does not tell which. @default none */
  readonly sticky?: StickyCookieOptions | undefined;
  /** How much of headers is passed on, and of a body. @default 100 headers of 16,384 bytes together */
  readonly limits?: ProxyLimitOptions | undefined;
  /**
   * Answers a request that no target answered, instead of the built-in plain text; nothing has been
   * sent to the client yet.
   */
  readonly onError?:
    | ((error: LbError, request: IncomingMessage, response: ServerResponse) => void)
    | undefined;
}

/** {@link ProxyOptions}, checked and complete. */
export interface ProxyRules {
  readonly pool: string;
  readonly forwarding: Forwarding;
  readonly prefix: string;
  readonly key: "ip" | ((request: IncomingMessage) => Key | undefined) | undefined;
  readonly sticky: StickyRouting | undefined;
  readonly limits: HeaderLimits;
  readonly maxBodyBytes: number;
  readonly onError: ProxyOptions["onError"];
}

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function proxyRules(pool: string, options: ProxyOptions): ProxyRules {
  requireKnownOptions("proxy", options, KNOWN_OPTIONS);
  const { prefix, key, sticky, limits, onError, ...forwarding } = options;
  const { maxBodyBytes = Number.POSITIVE_INFINITY, ...headers } = limits ?? {};
  if (key !== undefined && key !== "ip") requireFunction("key", key);
  if (onError !== undefined) requireFunction("onError", onError);
  return {
    pool,
    forwarding: createForwarding(forwarding),
    prefix: prefix === undefined ? "" : pathPrefix("prefix", prefix),
    key,
    sticky: sticky && new StickyRouting(createStickyCookie({ pool, ...sticky })),
    limits: headerLimits(headers),
    maxBodyBytes:
      maxBodyBytes === Number.POSITIVE_INFINITY
        ? maxBodyBytes
        : requireNonNegative("maxBodyBytes", maxBodyBytes),
    onError,
  };
}

const KNOWN_OPTIONS: readonly (keyof ProxyOptions)[] = [
  "trustProxy",
  "pseudonym",
  "forwarded",
  "preserveHost",
  "prefix",
  "key",
  "sticky",
  "limits",
  "onError",
];
