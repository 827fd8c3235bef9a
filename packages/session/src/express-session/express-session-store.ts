/**
 * A store for stock express-session that loses no write and brings no logged-out session back.
 *
 * express-session gives a store the whole session when a request ends. What is stored may have
 * changed since it was read, so writing it as it is undoes what other requests did. But
 * express-session also asks the store to make the session object (`createSession`) of what it has
 * read: there we note the fields as they were. When it is given back, only what differs from them is
 * written, and only if the session still exists.
 *
 *     get            load               1 round trip
 *     set            commit of what has changed, or create of a session that was not read
 *     touch          touch, at most once in `touchEveryMs`
 *     destroy        destroy
 *
 * What a store cannot do: express-session sends the head of an answer before the session is stored.
 * Who redirects after a login calls `req.session.save` first, or uses `createSessions`.
 */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireKnownOptions,
  requireMethods,
  requirePositive,
} from "@headroom/core/options";
import { adoptingStore } from "../adoption/adopting-store.ts";
import type { ForeignSessions } from "../adoption/foreign-sessions.ts";
import { SessionError } from "../errors.ts";
import { fieldValue } from "../field-text.ts";
import { guardedForeign, guardedStore, StoreGuard } from "../guarded-store.ts";
import { sessionKey } from "../session-id.ts";
import {
  type Fields,
  hasListing,
  type NewSession,
  type SessionStore,
  type StoredSession,
  type Touch,
} from "../store.ts";

export interface ExpressSessionStoreOptions {
  /** How long a session lives whose cookie has no `maxAge`. @default 1 day */
  readonly idleMs?: number | undefined;
  /** A use is noted at most so often. @default 1 minute */
  readonly touchEveryMs?: number | undefined;
  /** How long the store may take for one call. @default 2000 */
  readonly timeoutMs?: number | undefined;
  /** Goes on with sessions that another store of express-session has. @default they are not looked at */
  readonly adopt?: ForeignSessions | undefined;
  readonly clock?: Clock | undefined;
}

/** What we need of the session object of express-session. */
interface SessionObject {
  readonly cookie?: { readonly originalMaxAge?: number | null };
}

type Callback<Result = void> = (error?: unknown, result?: Result) => void;
type SessionJson = Record<string, unknown> & SessionObject;

/** The `Store` of express-session, whatever its version. */
type StoreClass = abstract new () => object;

/** The same, as a class to be extended. */
type StoreBase = new () => { createSession(request: never, session: never): unknown };

/** What the store had when a session object was made of it. */
interface Known {
  readonly key: string;
  texts: Map<string, string>;
  seenAtMs: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * The store as express-session wants it: `session({ store: toExpressSessionStore(redisStore(client), session.Store), … })`.
 * @param Store `session.Store` of the application's own express-session.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function toExpressSessionStore<Base extends StoreClass>(
  store: SessionStore,
  Store: Base,
  options: ExpressSessionStoreOptions = {},
): InstanceType<Base> & ExpressSessionMethods {
  const delta = new DeltaStore(store, options);

  class HeadroomStore extends (Store as unknown as StoreBase) {
    get(id: string, callback: Callback<SessionJson | null>): void {
      tell(delta.get(id), callback);
    }

    set(id: string, session: SessionJson, callback?: Callback): void {
      tell(delta.set(id, session), callback);
    }

    touch(id: string, session: SessionJson, callback?: Callback): void {
      tell(delta.touch(id, session), callback);
    }

    destroy(id: string, callback?: Callback): void {
      tell(delta.destroy(id), callback);
    }

    all(callback: Callback<SessionJson[]>): void {
      tell(delta.all(), callback);
    }

    ids(callback: Callback<string[]>): void {
      tell(delta.ids(), callback);
    }

    length(callback: Callback<number>): void {
      tell(
        delta.ids().then((ids) => ids.length),
        callback,
      );
    }

    clear(callback?: Callback): void {
      tell(delta.clear(), callback);
    }

    override createSession(request: never, read: never): unknown {
      const session = super.createSession(request, read) as object;
      delta.adopt(read, session);
      return session;
    }
  }
  return new HeadroomStore() as unknown as InstanceType<Base> & ExpressSessionMethods;
}

/** What the store can do for administration; `ids` are names that are no secrets, not those in cookies. */
export interface ExpressSessionMethods {
  all(callback: Callback<SessionJson[]>): void;
  ids(callback: Callback<string[]>): void;
  length(callback: Callback<number>): void;
  clear(callback?: Callback): void;
}

class DeltaStore {
  readonly #store: SessionStore;
  readonly #all: SessionStore;
  readonly #foreign: ForeignSessions | undefined;
  readonly #idleMs: number;
  readonly #touchEveryMs: number;
  readonly #clock: Clock;
  /** By the JSON that was read, and by the session object that was made of it. */
  readonly #known = new WeakMap<object, Known>();

  constructor(store: SessionStore, options: ExpressSessionStoreOptions) {
    const names = ["idleMs", "touchEveryMs", "timeoutMs", "adopt", "clock"];
    requireKnownOptions("toExpressSessionStore", options, names);
    this.#idleMs = requirePositive("idleMs", options.idleMs ?? DAY_MS);
    this.#touchEveryMs = requirePositive("touchEveryMs", options.touchEveryMs ?? MINUTE_MS);
    this.#clock = requireClock("clock", options.clock ?? systemClock);
    const timeoutMs = requirePositive("timeoutMs", options.timeoutMs ?? 2_000);
    this.#all = store;
    const guard = new StoreGuard(store.name, { timeoutMs, clock: this.#clock });
    this.#store = guardedStore(store, guard);
    const { adopt } = options;
    this.#foreign =
      adopt &&
      guardedForeign(requireMethods<ForeignSessions>("adopt", adopt, ["load", "destroy"]), guard);
  }

  async get(id: string): Promise<SessionJson | null> {
    const key = sessionKey(id);
    const stored = await this.#storeOf(id).load(key);
    if (stored === undefined) return null;
    const session = sessionJson(stored);
    this.#known.set(session, { key, texts: new Map(stored.fields), seenAtMs: stored.seenAtMs });
    return session;
  }

  /** `session` was made of `read`. */
  adopt(read: object, session: object): void {
    const known = this.#known.get(read);
    if (known !== undefined) this.#known.set(session, known);
  }

  async set(id: string, session: SessionJson): Promise<void> {
    const key = sessionKey(id);
    const texts = textsOf(session);
    const touch = this.#touchOf(session);
    const known = this.#known.get(session);
    if (known?.key === key) {
      const result = await this.#store.commit(key, difference(known.texts, texts), touch);
      // What has ended stays ended, in silence: express-session has no word for it.
      if (result === "ok") Object.assign(known, { texts, seenAtMs: touch.seenAtMs });
      return;
    }
    const meta = { createdAtMs: touch.seenAtMs };
    if (!(await this.#store.create(key, { fields: texts, meta, ...touch }))) {
      const stored = await this.#store.load(key);
      const change = difference(stored?.fields ?? new Map(), texts);
      await this.#store.commit(key, change, touch);
    }
    this.#known.set(session, { key, texts, seenAtMs: touch.seenAtMs });
  }

  async touch(id: string, session: SessionJson): Promise<void> {
    const touch = this.#touchOf(session);
    const known = this.#known.get(session);
    if (known !== undefined && touch.seenAtMs - known.seenAtMs < this.#throttleMs(touch)) return;
    if (known !== undefined) known.seenAtMs = touch.seenAtMs;
    await this.#store.touch(sessionKey(id), touch);
  }

  async destroy(id: string): Promise<void> {
    await this.#storeOf(id).destroy(sessionKey(id));
  }

  async ids(): Promise<string[]> {
    const store = this.#all;
    if (!hasListing(store)) {
      const what = `the session store "${store.name}" cannot list its sessions`;
      throw new SessionError("SESSION_UNSUPPORTED", what);
    }
    const ids: string[] = [];
    for await (const key of store.keys()) ids.push(key);
    return ids;
  }

  async all(): Promise<SessionJson[]> {
    const sessions: SessionJson[] = [];
    for (const key of await this.ids()) {
      const stored = await this.#store.load(key);
      if (stored !== undefined) sessions.push({ id: key, ...sessionJson(stored) });
    }
    return sessions;
  }

  async clear(): Promise<void> {
    for (const key of await this.ids()) await this.#store.destroy(key);
  }

  /** Where the session of this id is, or is taken over to. */
  #storeOf(id: string): SessionStore {
    const from = this.#foreign;
    return from === undefined
      ? this.#store
      : adoptingStore(this.#store, { id, from, made: (data) => this.#made(data) });
  }

  #made(session: SessionJson): NewSession {
    const touch = this.#touchOf(session);
    return { fields: textsOf(session), meta: { createdAtMs: touch.seenAtMs }, ...touch };
  }

  /** A short session must be touched more often than it ends. */
  #throttleMs({ ttlMs }: Touch): number {
    return Math.min(this.#touchEveryMs, ttlMs / 2);
  }

  #touchOf({ cookie }: SessionJson): Touch {
    return { seenAtMs: this.#clock.now(), ttlMs: cookie?.originalMaxAge ?? this.#idleMs };
  }
}

/** As `JSON.parse` of what express-session writes elsewhere, with the expiry that the last use gave it. */
function sessionJson({ fields, seenAtMs }: StoredSession): SessionJson {
  const session: SessionJson = {};
  for (const [name, text] of fields) {
    const property = {
      value: fieldValue(text),
      writable: true,
      enumerable: true,
      configurable: true,
    };
    Object.defineProperty(session, name, property);
  }
  const maxAge = session.cookie?.originalMaxAge;
  if (typeof maxAge === "number") {
    Object.assign(session.cookie ?? {}, { expires: new Date(seenAtMs + maxAge).toISOString() });
  }
  return session;
}

/** What `JSON.stringify` of the session would say, field by field. */
function textsOf(session: SessionJson): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(session)) {
    const text = JSON.stringify(name === "cookie" ? withoutExpiry(value) : value);
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}

/** It changes with every request, and follows from the last use. */
function withoutExpiry(cookie: unknown): unknown {
  const { expires, ...rest } = JSON.parse(JSON.stringify(cookie ?? {}));
  return typeof rest.originalMaxAge === "number" ? rest : { expires, ...rest };
}

function difference(before: Fields, now: Fields): { set: Fields; del: string[] } {
  const set = new Map([...now].filter(([name, text]) => before.get(name) !== text));
  return { set, del: [...before.keys()].filter((name) => !now.has(name)) };
}

function tell<Result>(work: Promise<Result>, callback: Callback<Result> | undefined): void {
  work.then(
    (result) => callback?.(null, result),
    (error: unknown) => callback?.(error),
  );
}
