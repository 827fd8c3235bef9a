/** What the cache did for a request, as its client may read it (RFC 9211). */

/** Why the handler was asked, in the words of RFC 9211, section 2.2. */
export type Forwarded = "bypass" | "uri-miss" | "vary-miss" | "stale" | "miss";

/** Served from the cache; seconds are negative when it was stale. */
export function hit(name: string, freshLeftMs: number): string {
  return `${name}; hit; ttl=${Math.floor(freshLeftMs / 1_000)}`;
}

/** Served by the work of another request of the same key. */
export function collapsed(name: string, why: Forwarded): string {
  return `${name}; fwd=${why}; collapsed`;
}

/** Served by the handler. */
export function forwarded(name: string, why: Forwarded, isStored: boolean): string {
  return `${name}; fwd=${why}${isStored ? "; stored" : ""}`;
}
