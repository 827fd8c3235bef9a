/**
 * The target of a request line, before it is sent to somebody else.
 *
 * A path that we and the target read differently is how a proxy is made to fetch what it should
 * not. `//evil/x` and `http://evil/x` become another host when somebody resolves them against a
 * base URL; `/public/../admin` and `/public/..%2fadmin` pass the route that was checked and arrive
 * at another; a space or a line break ends the request line early. None of these comes from a
 * browser, which resolves and escapes before it sends. So they are refused, not repaired: two
 * repairers may disagree again.
 *
 * Allowed is the origin-form (RFC 9112 §3.2.1): `/`, a path of visible ASCII characters without
 * backslash and `#`, and a query. Besides, `*` for OPTIONS. Dot segments are looked for in the path
 * only, as whole segments, also percent-encoded (`%2e`), also with a path parameter (`..;x`, which
 * Tomcat resolves); `%2f` and `%5c` count as separators for that. `/a..b` and `/file..txt` are
 * names like any other (fastify/fastify-reply-from#460).
 */

import { type Refusal, refusalError } from "./refusal.ts";

const FORM: Refusal = {
  reason: "target-form",
  statusCode: 400,
  message: "the request target must be a path that begins with one slash",
};

const CHARACTER: Refusal = {
  reason: "target-character",
  statusCode: 400,
  message: "the request target has a character that must be percent-encoded",
};

const DOT_SEGMENT: Refusal = {
  reason: "dot-segment",
  statusCode: 400,
  message: "the path has a segment . or ..; send it resolved",
};

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const HASH = 0x23;
const QUESTION_MARK = 0x3f;
const DOT = 0x2e;
const PERCENT = 0x25;

/** Why this target is not passed on; `undefined` if it may be. O(length), allocates nothing. */
export function refuseRequestTarget(method: string, target: string): Refusal | undefined {
  if (target.charCodeAt(0) !== SLASH) {
    return target === "*" && method === "OPTIONS" ? undefined : FORM;
  }
  if (target.charCodeAt(1) === SLASH) return FORM;
  let inPath = true;
  let mayHaveDots = false;
  for (let index = 1; index < target.length; index++) {
    const code = target.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f || code === BACKSLASH || code === HASH) return CHARACTER;
    if (code === QUESTION_MARK) inPath = false;
    else if (inPath && !mayHaveDots) {
      // A segment that begins with a dot, or anything encoded, deserves the closer look.
      mayHaveDots = code === PERCENT || (code === DOT && target.charCodeAt(index - 1) === SLASH);
    }
  }
  return mayHaveDots && hasDotSegment(target) ? DOT_SEGMENT : undefined;
}

/**
 * The target itself.
 * @throws LbError `LB_REFUSED_REQUEST`
 */
export function requireRequestTarget(method: string, target: string, pool: string): string {
  const refusal = refuseRequestTarget(method, target);
  if (refusal !== undefined) throw refusalError(refusal, { pool });
  return target;
}

function hasDotSegment(target: string): boolean {
  const queryAt = target.indexOf("?");
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  return path
    .replace(/%(2e|2f|5c)/gi, (_, hex: string) => (hex.toLowerCase() === "2e" ? "." : "/"))
    .split("/")
    .some((segment) => /^\.\.?(;.*)?$/.test(segment));
}

/**
 * A checked prefix for {@link joinPath}: `"/api/"` and `"/api"` give `"/api"`, `"/"` and `""` give
 * `""`.
 *
 * @param name the option it comes from.
 * @throws TypeError when it is no path of visible ASCII characters, or has a query.
 */
export function pathPrefix(name: string, prefix: string): string {
  if (prefix === "") return "";
  const isPath = typeof prefix === "string" && !prefix.includes("?");
  if (!isPath || prefix === "*" || refuseRequestTarget("GET", prefix) !== undefined) {
    throw new TypeError(`${name} must be a path such as "/api", without dot segments or query`);
  }
  return prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
}

/** A target below a prefix of {@link pathPrefix}: `"/api"` and `"/users?x"` give `"/api/users?x"`. */
export function joinPath(prefix: string, target: string): string {
  return target === "*" ? target : prefix + target;
}
