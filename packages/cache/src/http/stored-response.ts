/**
 * Which responses may be shared, and for how long (RFC 9111, RFC 5861).
 *
 * The rules are those of http-cache-semantics for a shared cache, and stricter in three places:
 * what sets a cookie is never stored, nothing is guessed from `Last-Modified`, and a response
 * without a word about its freshness is stored only if `defaultTtlMs` says so, its status is 200,
 * and the request had neither cookies nor credentials.
 */

import type { IncomingHttpHeaders } from "node:http";
import CachePolicy from "http-cache-semantics";

/** A response as it is kept. */
export interface StoredResponse {
  readonly status: number;
  /** As the handler set them, without those of the connection; names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
  /** What the request had, for each header that `Vary` names; null: it had none. */
  readonly vary: Readonly<Record<string, string | null>>;
  /** Wall time, in milliseconds. */
  readonly storedAtMs: number;
  /** How old it was then, by its own `Age`. */
  readonly ageMs: number;
  readonly lifetime: Lifetime;
}

/** In milliseconds; the windows come after `freshMs`. */
export interface Lifetime {
  readonly freshMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Headers that belong to one connection or one moment. */
const NOT_KEPT = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "age",
  "cache-status",
  "content-length",
]);

/** How long this answer may be shared; undefined: not at all. */
export function lifetimeOf(
  requestHeaders: IncomingHttpHeaders,
  answer: Answer,
  defaultTtlMs: number,
): Lifetime | undefined {
  const { status, headers } = answer;
  if (headers["set-cookie"] !== undefined || status === 206 || status === 304) return undefined;
  const cacheControl = directives(text(headers["cache-control"]));
  const isSilent = headers["cache-control"] === undefined && headers["expires"] === undefined;
  const ttlMs =
    isSilent && text(headers["pragma"]) === undefined
      ? silentTtl(requestHeaders, status, defaultTtlMs)
      : explicitTtl(requestHeaders, answer);
  if (ttlMs <= 0) return undefined;
  if (varyNames(headers) === "*") return undefined;
  const mustRevalidate = ["must-revalidate", "proxy-revalidate", "s-maxage"].some((name) =>
    cacheControl.has(name),
  );
  const windowMs = (name: string): number =>
    mustRevalidate ? 0 : 1_000 * Math.max(0, Number(cacheControl.get(name) ?? 0) || 0);
  return {
    freshMs: ttlMs,
    staleWhileRevalidateMs: windowMs("stale-while-revalidate"),
    staleIfErrorMs: windowMs("stale-if-error"),
  };
}

/** The answer as it is kept; its vary must not be `*`. */
export function storedResponse(
  requestHeaders: IncomingHttpHeaders,
  answer: Answer,
  body: Uint8Array,
  lifetime: Lifetime,
  nowMs: number,
): StoredResponse {
  const kept = Object.entries(answer.headers).filter(([name]) => !NOT_KEPT.has(name));
  const names = varyNames(answer.headers);
  const ageMs = 1_000 * Math.max(0, Number(text(answer.headers["age"]) ?? 0) || 0);
  return {
    status: answer.status,
    headers: Object.fromEntries(kept),
    body,
    vary: names === "*" ? {} : variantOf(names, requestHeaders),
    storedAtMs: nowMs,
    ageMs,
    lifetime: { ...lifetime, freshMs: Math.max(0, lifetime.freshMs - ageMs) },
  };
}

/** Names in lower case and sorted. */
export function varyNames(headers: Answer["headers"]): readonly string[] | "*" {
  const names = (text(headers["vary"]) ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  return names.includes("*") ? "*" : [...new Set(names)].sort();
}

/** What a request has for each of these names, written in one way. */
export function variantOf(
  names: readonly string[],
  headers: IncomingHttpHeaders,
): Record<string, string | null> {
  return Object.fromEntries(names.map((name) => [name, normalized(name, text(headers[name]))]));
}

/** Whether a response that was made for one request is right for another. */
export function satisfies(stored: StoredResponse, headers: IncomingHttpHeaders): boolean {
  return Object.entries(stored.vary).every(
    ([name, value]) => normalized(name, text(headers[name])) === value,
  );
}

/** Codings that are refused (`q=0`) are left out, their weights and order too. */
function normalized(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (name !== "accept-encoding") return value.trim().replace(/[ \t]+/g, " ");
  const codings = value
    .toLowerCase()
    .split(",")
    .filter((coding) => !/;[ \t]*q=0(\.0*)?[ \t]*$/.test(coding))
    .map((coding) => (coding.split(";")[0] ?? "").trim());
  return [...new Set(codings)]
    .filter((coding) => coding !== "")
    .sort()
    .join(",");
}

function silentTtl(headers: IncomingHttpHeaders, status: number, defaultTtlMs: number): number {
  const isPersonal = headers.cookie !== undefined || headers.authorization !== undefined;
  return status === 200 && !isPersonal ? defaultTtlMs : 0;
}

function explicitTtl(headers: IncomingHttpHeaders, { status, headers: own }: Answer): number {
  const policy = new CachePolicy(
    { method: "GET", url: "/", headers: withoutUndefined(headers) },
    { status, headers: withoutUndefined(own) },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  );
  const control = directives(text(own["cache-control"]));
  if (!policy.storable() || control.has("no-cache") || control.has("private")) return 0;
  // From when it was made: `Age` is taken off when it is stored.
  return policy.maxAge() * 1_000;
}

function withoutUndefined(headers: object): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const known = text(value);
    return known === undefined ? [] : [[name, known] as const];
  });
  return Object.fromEntries(entries);
}

function directives(value: string | undefined): Map<string, string> {
  const parts = (value ?? "").split(",").map((part) => part.trim());
  return new Map(
    parts.map((part) => {
      const [name = "", argument = ""] = part.split("=");
      return [name.trim().toLowerCase(), argument.trim().replaceAll('"', "")];
    }),
  );
}

function text(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(", ");
  return value === undefined ? undefined : String(value);
}
