/** The options of `createSessions`, checked once. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireBoolean,
  requireClock,
  requireCount,
  requireKnownOptions,
  requireMethods,
  requireOneOf,
  requirePositive,
  requireText,
} from "@headroom/core/options";
import { requireSecrets } from "@headroom/core/signer";
import { type AdoptOptions, type AdoptRules, adoptRules } from "./adoption/adopted-sessions.ts";
import { type CookieStore, isCookieStore } from "./cookie/cookie-store.ts";
import { type CookieOptions, type CookieRules, cookieRules } from "./http/cookie-rules.ts";
import type { LocalCopiesRules } from "./local-copies.ts";
import type { SessionStore } from "./store.ts";
import { hasAnnouncer, hasUserEpochs, hasUserIndex } from "./store.ts";
import type { UserLimit } from "./users.ts";

/** What a request with a session gets while the store is out. */
export type OutagePolicy = "fail" | "anonymous" | "readonly";

export interface UserLimitOptions {
  readonly limit: number;
  /** The session seen longest ago goes, or the login is refused. @default "evict-oldest" */
  readonly overflow?: "evict-oldest" | "refuse" | undefined;
}

export interface LocalCopiesOptions {
  /**
   * A copy is used for so long at most: so long a session that was ended on another server may be
   * read here, if the store's message is lost. @default 2000
   */
  readonly ttlMs?: number | undefined;
  /** @default 10_000 */
  readonly maxSessions?: number | undefined;
}

export interface SessionsOptions {
  /** On a server; or `cookieStore()`, see {@link CookieSessionsOptions}. */
  readonly store: SessionStore;
  /** The first signs, all verify. At least 32 characters each. */
  readonly secrets: readonly string[];
  /** For telemetry. @default the name of the store */
  readonly name?: string | undefined;
  /** A session not used for so long is over. @default 30 minutes */
  readonly idleMs?: number | undefined;
  /** A session is over so long after its creation or login, used or not. @default 12 hours */
  readonly absoluteMs?: number | undefined;
  /** A use is noted in the store at most so often; at most half of `idleMs`. @default 1 minute */
  readonly touchEveryMs?: number | undefined;
  /** @default no limit */
  readonly maxPerUser?: UserLimitOptions | undefined;
  /**
   * `revokeUser` also ends logins that are under way and sessions that a backup brings back. It costs
   * a second question to Redis for every load of a user's session.
   * @default false
   */
  readonly hardRevoke?: boolean | undefined;
  /**
   * While the store is out: `fail` throws (503) where the session is touched; `anonymous` reads as if
   * there were no session; `readonly` reads what this process has seen last. Writes fail in all three.
   * @default "fail"
   */
  readonly onStoreError?: OutagePolicy | undefined;
  /** How long the store may take for one call. @default 2000 */
  readonly timeoutMs?: number | undefined;
  /** Of all fields together, in bytes of JSON. @default 65536 */
  readonly maxBytes?: number | undefined;
  /** When the session is read: at its first use, at once without waiting, or before the handlers. @default "lazy" */
  readonly load?: "lazy" | "prefetch" | "eager" | undefined;
  readonly cookie?: CookieOptions | undefined;
  /** Copies in the memory of the process. @default none */
  readonly l1?: LocalCopiesOptions | undefined;
  /** Goes on with the sessions of express-session. @default they are not looked at */
  readonly adopt?: AdoptOptions | undefined;
  readonly clock?: Clock | undefined;
}

/** What needs a store on a server. */
const OF_SERVERS = [
  "maxPerUser",
  "hardRevoke",
  "onStoreError",
  "timeoutMs",
  "maxBytes",
  "l1",
  "adopt",
] as const;

/** With `cookieStore()`: nobody can be asked, listed or revoked, and 4096 bytes are the limit. */
export interface CookieSessionsOptions
  extends Omit<SessionsOptions, "store" | (typeof OF_SERVERS)[number]> {
  readonly store: CookieStore;
}

export interface SessionRules {
  readonly name: string;
  readonly store: SessionStore | CookieStore;
  readonly secrets: readonly string[];
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly touchEveryMs: number;
  readonly maxPerUser: UserLimit | undefined;
  readonly hardRevoke: boolean;
  readonly onStoreError: OutagePolicy;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly load: "lazy" | "prefetch" | "eager";
  readonly cookie: CookieRules;
  readonly l1: LocalCopiesRules | undefined;
  readonly adopt: AdoptRules | undefined;
  readonly clock: Clock;
}

const NAMES = [
  "store",
  "secrets",
  "name",
  "idleMs",
  "absoluteMs",
  "touchEveryMs",
  "maxPerUser",
  "hardRevoke",
  "onStoreError",
  "timeoutMs",
  "maxBytes",
  "load",
  "cookie",
  "l1",
  "adopt",
  "clock",
];
const MINUTE_MS = 60_000;

/** @throws TypeError or RangeError naming the option that is wrong. */
export function sessionRules(given: SessionsOptions | CookieSessionsOptions): SessionRules {
  requireKnownOptions("createSessions", given, NAMES);
  const options: Omit<SessionsOptions, "store"> = given;
  const store = requireStore(given);
  const idleMs = requirePositive("idleMs", options.idleMs ?? 30 * MINUTE_MS);
  const absoluteMs = requirePositive("absoluteMs", options.absoluteMs ?? 720 * MINUTE_MS);
  const clock = requireClock("clock", options.clock ?? systemClock);
  const touchEveryMs = options.touchEveryMs ?? Math.min(MINUTE_MS, idleMs / 2);
  if (requirePositive("touchEveryMs", touchEveryMs) > idleMs / 2) {
    throw new RangeError(
      `touchEveryMs must be at most half of idleMs (${idleMs}), got ${touchEveryMs}: a session in use would end`,
    );
  }
  return {
    name: requireText("name", options.name ?? store.name),
    store,
    secrets: requireSecrets(options.secrets),
    idleMs,
    absoluteMs,
    touchEveryMs,
    maxPerUser: userLimit(options.maxPerUser, store),
    hardRevoke: hardRevoke(options.hardRevoke ?? false, store),
    onStoreError: requireOneOf("onStoreError", options.onStoreError ?? "fail", OUTAGE_POLICIES),
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 2_000),
    maxBytes: requireCount("maxBytes", options.maxBytes ?? 65_536),
    load: requireOneOf("load", options.load ?? "lazy", LOADS),
    cookie: cookieRules(options.cookie ?? {}),
    adopt: options.adopt && adoptRules(options.adopt),
    l1: localCopies(options.l1, store, clock),
    clock,
  };
}

function requireStore(
  options: SessionsOptions | CookieSessionsOptions,
): SessionStore | CookieStore {
  const { store } = options;
  if (typeof store !== "object" || store === null || !isCookieStore(store)) {
    return requireMethods<SessionStore>("store", store as SessionStore, METHODS);
  }
  for (const name of OF_SERVERS) {
    if (Reflect.get(options, name) === undefined) continue;
    throw new TypeError(`${name} needs a store on a server; cookieStore() is none`);
  }
  return store;
}

function localCopies(
  options: LocalCopiesOptions | undefined,
  store: object,
  clock: Clock,
): LocalCopiesRules | undefined {
  if (options === undefined) return undefined;
  requireKnownOptions("l1", options, ["ttlMs", "maxSessions"]);
  const ttlMs = requirePositive("l1.ttlMs", options.ttlMs ?? 2_000);
  const maxSessions = requireCount("l1.maxSessions", options.maxSessions ?? 10_000);
  if (!hasAnnouncer(store)) {
    throw new TypeError("l1 needs a store that announces what happens to sessions: on Redis");
  }
  if (!store.announcesChanges) {
    throw new TypeError("l1 needs redisStore(client, { announceChanges: true })");
  }
  return { announcer: store, ttlMs, maxSessions, clock };
}

const METHODS = ["load", "create", "commit", "touch", "rotate", "destroy"] as const;
const OUTAGE_POLICIES = ["fail", "anonymous", "readonly"] as const;
const LOADS = ["lazy", "prefetch", "eager"] as const;
const OVERFLOWS = ["evict-oldest", "refuse"] as const;

function hardRevoke(wanted: boolean, store: SessionStore | CookieStore): boolean {
  if (requireBoolean("hardRevoke", wanted) && !hasUserEpochs(store)) {
    throw new TypeError(
      `hardRevoke needs a store that keeps an epoch per user; "${store.name}" does not`,
    );
  }
  return wanted;
}

function userLimit(
  options: UserLimitOptions | undefined,
  store: SessionStore | CookieStore,
): UserLimit | undefined {
  if (options === undefined) return undefined;
  requireKnownOptions("maxPerUser", options, ["limit", "overflow"]);
  if (!hasUserIndex(store)) {
    throw new TypeError(
      `maxPerUser needs a store that lists a user's sessions; "${store.name}" does not`,
    );
  }
  return {
    limit: requireCount("maxPerUser.limit", options.limit),
    overflow: requireOneOf("maxPerUser.overflow", options.overflow ?? "evict-oldest", OVERFLOWS),
  };
}
