/**
 * Visitors whom express-session knows stay known: their cookies are read, their sessions taken over.
 *
 * Such a session keeps its id and its cookie until a login, a rotation or its end: a new cookie for a
 * session that other requests of the same page still ask for by the old one would lose those. Its
 * absolute time begins when it is taken over, so the last old cookie is worth nothing `absoluteMs`
 * after the last server of express-session has stopped; then the option may go.
 */

import {
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireText,
} from "@headroom/core/options";
import { guardedForeign, type StoreGuard } from "../guarded-store.ts";
import { cookieValues } from "../http/cookie-rules.ts";
import type { OpenForeign } from "../id-carrier.ts";
import { sessionKey } from "../session-id.ts";
import { touchNow } from "../session-lifetime.ts";
import type { SessionRules } from "../session-rules.ts";
import type { NewSession, SessionStore } from "../store.ts";
import type { SessionUsers } from "../users.ts";
import { adoptingStore } from "./adopting-store.ts";
import { connectSidOf } from "./connect-sid.ts";
import type { ForeignSessions } from "./foreign-sessions.ts";

export interface AdoptOptions {
  /** Those that express-session signs with. */
  readonly secrets: readonly string[];
  /** Its `name` there. @default "connect.sid" */
  readonly cookie?: string | undefined;
  /**
   * Where its sessions are: `connectRedisSessions(client)`, `connectPgSimpleSessions(pool)`.
   * @default in the store itself, put there by `toExpressSessionStore`
   */
  readonly from?: ForeignSessions | undefined;
  /** Whose a session is: `(data) => data.passport?.user`; then `ofUser` lists it. @default nobody's */
  readonly userId?: ((data: Readonly<Record<string, unknown>>) => string | undefined) | undefined;
}

export interface AdoptRules {
  readonly secrets: readonly string[];
  readonly cookie: string;
  readonly from: ForeignSessions | undefined;
  readonly userId: (data: Readonly<Record<string, unknown>>) => string | undefined;
}

/** @throws TypeError naming the option that is wrong; a secret is never shown. */
export function adoptRules(options: AdoptOptions): AdoptRules {
  requireKnownOptions("adopt", options, ["secrets", "cookie", "from", "userId"]);
  const { secrets, from } = options;
  // They are what they are: the rules for new ones are not for them.
  if (!Array.isArray(secrets) || !secrets.every((each) => typeof each === "string" && each)) {
    throw new TypeError("adopt.secrets must be a list of the secrets of express-session");
  }
  return {
    secrets,
    cookie: requireText("adopt.cookie", options.cookie ?? "connect.sid"),
    from: from && requireMethods("adopt.from", from, ["load", "destroy"]),
    userId: requireFunction("adopt.userId", options.userId ?? (() => undefined)),
  };
}

export interface AdoptedSessionsParts {
  readonly adopt: AdoptRules;
  readonly rules: SessionRules;
  readonly store: SessionStore;
  readonly users: SessionUsers;
  readonly guard: StoreGuard;
}

/** Opens the session of a cookie of express-session. */
export function adoptedSessions({
  adopt,
  rules,
  store,
  users,
  guard,
}: AdoptedSessionsParts): OpenForeign {
  const from = adopt.from && guardedForeign(adopt.from, guard);
  const made = async (key: string, data: Readonly<Record<string, unknown>>) => {
    const userId = adopt.userId(data);
    const session = ownSession(rules, data, userId);
    if (userId !== undefined) await users.enlist(userId, key, rules.absoluteMs);
    return session;
  };
  return (header) => {
    for (const value of cookieValues(header, adopt.cookie)) {
      const id = connectSidOf(value, adopt.secrets);
      if (id === undefined) continue;
      if (from === undefined) return { id, store };
      const adopting = { id, from, made: (data: object) => made(sessionKey(id), { ...data }) };
      return { id, store: adoptingStore(store, adopting) };
    }
    return undefined;
  };
}

/** Its `cookie` is express-session's own affair; when its user logged in nobody knows. */
function ownSession(
  rules: SessionRules,
  { cookie: _, ...data }: Readonly<Record<string, unknown>>,
  userId: string | undefined,
): NewSession {
  const meta = { createdAtMs: rules.clock.now(), userId };
  const fields = new Map(
    Object.entries(data).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  return { fields, meta, ...touchNow(rules, meta) };
}
