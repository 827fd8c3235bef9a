/** Whether a client has what a stored response would give it (RFC 9110, section 13). */

import type { IncomingHttpHeaders } from "node:http";
import type { StoredResponse } from "./stored-response.ts";

/** True: answer 304. `If-None-Match` counts before `If-Modified-Since`; tags are compared weakly. */
export function isNotModified(stored: StoredResponse, headers: IncomingHttpHeaders): boolean {
  if (stored.status !== 200) return false;
  const known = headers["if-none-match"];
  const tag = stored.headers["etag"];
  if (known !== undefined) {
    if (known.trim() === "*") return true;
    return typeof tag === "string" && opaqueTags(known).includes(opaque(tag));
  }
  const since = Date.parse(headers["if-modified-since"] ?? "");
  const modified = Date.parse(String(stored.headers["last-modified"] ?? ""));
  return modified <= since;
}

/** What a 304 repeats of the response. */
export const REPEATED: readonly string[] = [
  "cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "vary",
];

/** Tags may contain commas; they never contain quotes. */
function opaqueTags(list: string): string[] {
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).map(opaque);
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, "");
}
