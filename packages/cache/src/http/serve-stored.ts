/** Sends a stored response: whole, without its body (HEAD), or as "not modified". */

import type { ServerResponse } from "node:http";
import type { Clock } from "@headroom/core/clock";
import { isNotModified, REPEATED } from "./conditional.ts";
import type { CacheRequest } from "./http-types.ts";
import type { DirectResponse } from "./response-capture.ts";
import type { StoredResponse } from "./stored-response.ts";

/** How old it is, in milliseconds. */
export function ageOf(stored: StoredResponse, clock: Clock): number {
  return stored.ageMs + Math.max(0, clock.now() - stored.storedAtMs);
}

/** Milliseconds for which it is still fresh; negative: since when it is not. */
export function freshLeft(stored: StoredResponse, clock: Clock): number {
  return stored.lifetime.freshMs - Math.max(0, clock.now() - stored.storedAtMs);
}

/**
 * Whatever headers the response has by now give way to the stored ones of the same name.
 * @param direct where the response's own methods are watched.
 */
export function serveStored(
  request: CacheRequest,
  response: ServerResponse,
  stored: StoredResponse,
  status: string,
  clock: Clock,
  direct?: DirectResponse,
): void {
  const notModified = isNotModified(stored, request.headers);
  for (const [name, value] of Object.entries(stored.headers)) {
    if (!notModified || REPEATED.includes(name)) response.setHeader(name, value);
  }
  response.setHeader("age", String(Math.floor(ageOf(stored, clock) / 1_000)));
  response.setHeader("cache-status", status);
  const isBare = notModified || request.method === "HEAD";
  if (!notModified) response.setHeader("content-length", String(stored.body.length));
  const sender: DirectResponse = direct ?? {
    writeHead: (code) => void response.writeHead(code),
    end: (body) => void response.end(body),
  };
  sender.writeHead(notModified ? 304 : stored.status);
  sender.end(isBare ? undefined : stored.body);
}
