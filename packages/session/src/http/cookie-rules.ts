/**
 * The cookie: its name, its attributes, and the texts of its headers.
 *
 * The default is what OWASP ASVS 5.0 (V3.3) asks for: `__Host-sid; Path=/; Secure; HttpOnly;
 * SameSite=Lax`. A browser sends a `__Host-` cookie to the one host that set it and to nobody else,
 * and lets no subdomain and no plain-HTTP page set one of that name.
 */

import { requireKnownOptions } from "@headroom/core/options";

export interface CookieOptions {
  /** @default "__Host-sid"; "sid" with `secure: false`; "__Secure-sid" with a `domain` or `path` */
  readonly name?: string | undefined;
  /** False is for development without TLS only. @default true */
  readonly secure?: boolean | undefined;
  readonly sameSite?: "lax" | "strict" | "none" | undefined;
  /** Also sent to the subdomains of it. */
  readonly domain?: string | undefined;
  /** @default "/" */
  readonly path?: string | undefined;
  /** Kept when the browser is closed, until `absoluteMs` is over. @default false */
  readonly persistent?: boolean | undefined;
}

export interface CookieRules {
  readonly name: string;
  readonly secure: boolean;
  readonly persistent: boolean;
  /** `"; Path=/; …"`: what follows the value. */
  readonly attributes: string;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]*$/;
const SAME_SITE = { lax: "Lax", strict: "Strict", none: "None" } as const;

/** @throws TypeError: a browser would drop such a cookie in silence. */
export function cookieRules(options: CookieOptions): CookieRules {
  requireKnownOptions("cookie", options, [
    "name",
    "secure",
    "sameSite",
    "domain",
    "path",
    "persistent",
  ]);
  const { secure = true, sameSite = "lax", domain, path = "/", persistent = false } = options;
  const name = options.name ?? defaultName(secure, domain, path);
  if (!NAME.test(name)) {
    throw new TypeError(`cookie.name must be a token of RFC 6265, got ${JSON.stringify(name)}`);
  }
  if (SAME_SITE[sameSite] === undefined) {
    throw new TypeError(`cookie.sameSite must be lax, strict or none, got ${String(sameSite)}`);
  }
  if (!ATTRIBUTE.test(path) || !path.startsWith("/")) {
    throw new TypeError(`cookie.path must be a path without ";", got ${JSON.stringify(path)}`);
  }
  if (domain !== undefined && !ATTRIBUTE.test(domain)) {
    throw new TypeError(`cookie.domain must be a host name, got ${JSON.stringify(domain)}`);
  }
  requireBrowserTakesIt(name, { secure, sameSite, domain, path });
  const attributes =
    `; Path=${path}` +
    (domain === undefined ? "" : `; Domain=${domain}`) +
    (secure ? "; Secure" : "") +
    `; HttpOnly; SameSite=${SAME_SITE[sameSite]}`;
  return { name, secure, persistent, attributes };
}

function defaultName(secure: boolean, domain: string | undefined, path: string): string {
  if (!secure) return "sid";
  return domain === undefined && path === "/" ? "__Host-sid" : "__Secure-sid";
}

function requireBrowserTakesIt(
  name: string,
  {
    secure,
    sameSite,
    domain,
    path,
  }: Pick<CookieOptions, "secure" | "sameSite" | "domain" | "path">,
): void {
  if (name.startsWith("__Host-") && (!secure || domain !== undefined || path !== "/")) {
    throw new TypeError(
      `cookie.name "${name}" needs secure, path "/" and no domain: browsers drop it otherwise`,
    );
  }
  if (name.startsWith("__Secure-") && !secure) {
    throw new TypeError(`cookie.name "${name}" needs secure: browsers drop it otherwise`);
  }
  if (sameSite === "none" && !secure) {
    throw new TypeError(`cookie.sameSite "none" needs secure: browsers drop it otherwise`);
  }
}

/** Longer headers are not looked at: a browser sends 4 KiB a cookie, servers take 8 to 16 KiB in all. */
const LONGEST_HEADER = 32_768;
/** Other sites of the same domain may set cookies of the same name; so many are tried. */
const MOST_VALUES = 4;

/** The values of all cookies of this name, in the order of the header. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined || header.length > LONGEST_HEADER) return [];
  const values: string[] = [];
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    values.push(unquoted(pair.slice(equals + 1).trim()));
    if (values.length === MOST_VALUES) break;
  }
  return values;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value;
}

/** @param maxAgeMs how long a persistent cookie is kept. */
export function setCookie(
  { name, attributes, persistent }: CookieRules,
  value: string,
  maxAgeMs: number,
): string {
  const maxAge = persistent ? `; Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1_000))}` : "";
  return `${name}=${value}${attributes}${maxAge}`;
}

export function clearCookie({ name, attributes }: CookieRules): string {
  return `${name}=${attributes}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`;
}
