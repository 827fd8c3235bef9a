/**
 * Asking a web server how it is, over its own connections.
 *
 * The answer is a status and nothing else: the body is read past. A server is fit that answers with
 * 2xx or 3xx. What a health endpoint should look at is the server's own business; one that fails
 * because a database is down, on all servers at once, does not take them out: that is what panic is for.
 */

import { requireFunction, requireKnownOptions, requireText } from "@headroom/core/options";
import type { ActiveCheckOptions } from "../active-check-options.ts";
import type { HttpTarget } from "./http-target.ts";

/** Intervals and thresholds are those of `ActiveCheckOptions`. */
export interface HttpCheckOptions extends Omit<ActiveCheckOptions<HttpTarget>, "check"> {
  /** `"/healthz"` */
  readonly path: string;
  /** @default "GET" */
  readonly method?: "GET" | "HEAD" | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether a server that answers so is fit. @default 2xx and 3xx */
  readonly isFit?: ((statusCode: number) => boolean) | undefined;
}

/** @throws TypeError naming the option that is unknown or of the wrong type. */
export function httpCheck(options: HttpCheckOptions): ActiveCheckOptions<HttpTarget> {
  requireKnownOptions("check", options, KNOWN_OPTIONS);
  const { path, method = "GET", headers, isFit = isSuccess, ...timing } = options;
  if (!requireText("path", path).startsWith("/")) {
    throw new TypeError("path must begin with a slash");
  }
  if (method !== "GET" && method !== "HEAD") {
    throw new TypeError('method must be "GET" or "HEAD"');
  }
  requireFunction("isFit", isFit);
  return {
    ...timing,
    check: async (target, signal) => {
      const request = { path, method, headers: headers ?? null, signal };
      const { statusCode, body } = await target.request(request);
      await body.dump();
      return isFit(statusCode);
    },
  };
}

const KNOWN_OPTIONS: readonly (keyof HttpCheckOptions)[] = [
  "path",
  "method",
  "headers",
  "isFit",
  "intervalMs",
  "healthyIntervalMs",
  "timeoutMs",
  "jitter",
  "unhealthyThreshold",
  "healthyThreshold",
];

function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 400;
}
