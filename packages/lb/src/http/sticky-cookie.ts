/**
 * Keeping a client at one target, without telling it which.
 *
 * The cookie names the target by a token: HMAC-SHA-256 of the pool and the target's id, under a
 * secret of the application. So it tells nobody an address, a client cannot make up one for a target
 * it would like, and a token of one pool is none of another. All processes with the same secret
 * understand each other's cookies; nothing is stored.
 *
 * There are as many valid tokens as targets, so they are computed when the targets change, and
 * reading one is a look into a map: a token is found by its hash, whole or not at all, so how long
 * that takes does not tell how many characters of a guess are right. The cookie is a wish, never a right: who asks for a target that is
 * out, or sends rubbish, is balanced as if without.
 *
 * A token does not expire and is no session: who copies another client's cookie is sent to the same
 * target, no more.
 *
 * Secrets rotate: the first signs, all are understood. Put a new one in front, and drop the old one
 * when the cookies signed with it are gone.
 */

import { createHmac } from "node:crypto";
import { requireCount, requireKnownOptions, requireText } from "@headroom/core/options";
import { type SerializeOptions, serialize } from "cookie";

export interface StickyCookieOptions {
  /** At least 32 characters that nobody else knows; of several the first one signs. */
  readonly secret: string | readonly string[];
  /** @default "headroom_lb" */
  readonly name?: string | undefined;
  /**
   * The balancer's name: cookies of pools with other names are not understood.
   * @default "default"
   */
  readonly pool?: string | undefined;
  /**
   * How long browsers keep it, in seconds.
   * @default until the browser is closed
   */
  readonly maxAgeSeconds?: number | undefined;
  /** @default "/" */
  readonly path?: string | undefined;
  /** @default none: the host that set it */
  readonly domain?: string | undefined;
  /** @default "lax" */
  readonly sameSite?: "lax" | "strict" | "none" | undefined;
  /**
   * Whether it travels over TLS only. `false` is for development over plain HTTP.
   * @default true
   */
  readonly secure?: boolean | undefined;
}

export interface StickyCookie {
  readonly name: string;
  /** The token in the value of a `Cookie` header; `undefined` when there is none. O(length). */
  read(cookieHeader: string | undefined): string | undefined;
  /** Which target a token means; `undefined` when none of them. O(1). */
  idOf(token: string): string | undefined;
  /** Whether a client that sends this token has what `setCookie(id)` would give it. */
  isCurrent(token: string, id: string): boolean;
  /** The value of a `Set-Cookie` header for this target. */
  setCookie(id: string): string;
  /** Which targets there are now. O(targets · secrets), an HMAC each. */
  setTargets(ids: readonly string[]): void;
}

const SHORTEST_SECRET = 32;
const TOKEN_LENGTH = 43; // 256 bits in base64url

/** @throws TypeError or RangeError naming the option that is unknown, missing or malformed. */
export function createStickyCookie(options: StickyCookieOptions): StickyCookie {
  requireKnownOptions("sticky cookie", options, OPTION_NAMES);
  const [signing, ...older] = requireSecrets(options.secret);
  const name = requireText("name", options.name ?? "headroom_lb");
  const pool = requireText("pool", options.pool ?? "default");
  const attributes = attributesOf(options);
  const setCookieOf = (token: string): string => serialize(name, token, attributes);
  setCookieOf(tokenOf(signing, pool, "")); // a bad name, path or domain is found now

  let idByToken: ReadonlyMap<string, string> = new Map();
  let tokenById: ReadonlyMap<string, string> = new Map();
  const currentTokenOf = (id: string): string => tokenById.get(id) ?? tokenOf(signing, pool, id);

  return {
    name,
    read: (cookieHeader) => cookieNamed(cookieHeader ?? "", name),
    idOf: (token) => (token.length === TOKEN_LENGTH ? idByToken.get(token) : undefined),
    isCurrent: (token, id) => token === currentTokenOf(id),
    setCookie: (id) => setCookieOf(currentTokenOf(id)),
    setTargets(ids) {
      const signed = ids.map((id) => [id, tokenOf(signing, pool, id)] as const);
      const earlier = ids.flatMap((id) =>
        older.map((secret) => [tokenOf(secret, pool, id), id] as const),
      );
      tokenById = new Map(signed);
      idByToken = new Map([...earlier, ...signed.map(([id, token]) => [token, id] as const)]);
    },
  };
}

const OPTION_NAMES = [
  "secret",
  "name",
  "pool",
  "maxAgeSeconds",
  "path",
  "domain",
  "sameSite",
  "secure",
];

function tokenOf(secret: string, pool: string, id: string): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify([pool, id]))
    .digest("base64url");
}

function requireSecrets(secret: string | readonly string[]): [string, ...string[]] {
  const [first, ...others] = typeof secret === "string" ? [secret] : (secret ?? []);
  if (first === undefined || ![first, ...others].every(isLongEnough)) {
    throw new TypeError(
      `secret must be one or more strings of at least ${SHORTEST_SECRET} characters`,
    );
  }
  return [first, ...others];
}

function isLongEnough(secret: unknown): boolean {
  return typeof secret === "string" && secret.length >= SHORTEST_SECRET;
}

function attributesOf(options: StickyCookieOptions): SerializeOptions {
  const { maxAgeSeconds, path = "/", domain, sameSite = "lax", secure = true } = options;
  if (sameSite === "none" && !secure) {
    throw new TypeError('sameSite "none" needs secure: browsers refuse such a cookie otherwise');
  }
  return {
    httpOnly: true,
    path,
    sameSite,
    secure,
    ...(domain === undefined ? {} : { domain }),
    ...(maxAgeSeconds === undefined
      ? {}
      : { maxAge: requireCount("maxAgeSeconds", maxAgeSeconds) }),
  };
}

/**
 * The value of one cookie. Looks for its name instead of parsing all of them, which an application
 * may have many of. Our values are never quoted or escaped. O(length)
 */
function cookieNamed(header: string, name: string): string | undefined {
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 1)) {
    const valueAt = at + name.length + 1;
    if (header[valueAt - 1] !== "=" || !startsCookie(header, at)) continue;
    const end = header.indexOf(";", valueAt);
    return header.slice(valueAt, end < 0 ? undefined : end).trim();
  }
  return undefined;
}

/** Whether a cookie begins here, and not the end of another's name or its value. */
function startsCookie(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (header[before] === " " || header[before] === "\t")) before--;
  return before < 0 || header[before] === ";";
}
