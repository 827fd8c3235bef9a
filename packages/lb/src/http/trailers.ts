/**
 * The headers after a chunked body.
 *
 * They come when the client has acted on the others already. So none of them may say what is decided
 * by then: where the body ends, what it is, who may read it, how long it may be kept (RFC 9110
 * §6.5.1). The list is that of Go's `httpguts.ValidTrailerHeader`, and `Set-Cookie`.
 */

import { refuseAnswerHeaders } from "./header-rules.ts";
import { stripAnswerHeaders } from "./hop-by-hop.ts";
import type { RawHeaders } from "./raw-headers.ts";

/**
 * The trailers that are for the client, as `response.addTrailers` takes them; `undefined` when none.
 *
 * @param trailers raw, or an object of them, which is how undici gives those of HTTP/2.
 */
export function clientTrailers(
  trailers: RawHeaders | object | null,
): [name: string, value: string][] | undefined {
  const raw = Array.isArray(trailers) ? (trailers as RawHeaders) : flat(trailers ?? {});
  if (raw.length === 0 || refuseAnswerHeaders(raw) !== undefined) return undefined;
  const kept: [string, string][] = [];
  const headers = stripAnswerHeaders(raw);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (!comesTooLate(name.toLowerCase())) kept.push([name, headers[index + 1] ?? ""]);
  }
  return kept.length === 0 ? undefined : kept;
}

function flat(trailers: object): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(trailers)) {
    for (const each of [value].flat()) if (typeof each === "string") list.push(name, each);
  }
  return list;
}

function comesTooLate(lowerCase: string): boolean {
  return TOO_LATE.has(lowerCase) || lowerCase.startsWith("if-");
}

const TOO_LATE: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "expect",
  "host",
  "max-forwards",
  "pragma",
  "range",
  "realm",
  "set-cookie",
  "www-authenticate",
]);
