/**
 * What a session needs of a place that keeps it.
 *
 * A session is a set of *fields*, each a name and a JSON text, and a little that is known of it. The
 * contract has no `set(whole session)`: that one method is why elsewhere parallel requests overwrite
 * each other's fields, and why a request that is still under way brings a session back that was
 * logged out meanwhile. Here
 *
 * - **only `create` makes a session**; `commit`, `touch` and `rotate` of one that is gone do nothing
 *   and say so;
 * - **`commit` changes the fields it names and no other**, all of them or none; with `expect` only
 *   if these fields still are what the caller has seen;
 * - **what has expired is gone**, whether or not it still takes up room.
 *
 * Each method is one atomic step. Lifetimes are given as durations, so that no clock of the
 * application is compared with one of the store.
 *
 * Further powers are interfaces of their own, found out by {@link hasUserIndex} and its like.
 */

/** The texts of the fields by name: JSON, as the session wrote it. */
export type Fields = ReadonlyMap<string, string>;

/** What is known of a session beside its fields. */
export interface SessionMeta {
  /** Wall time of its creation, in milliseconds; a rotation does not change it. */
  readonly createdAtMs: number;
  /** Whose it is; absent before the login. */
  readonly userId?: string | undefined;
  /** Wall time of the login, in milliseconds. */
  readonly authenticatedAtMs?: number | undefined;
  /** Where it was logged in from, for the user's list of devices. */
  readonly device?: Device | undefined;
  /** The user's epoch at the login, if that is heeded. */
  readonly epoch?: number | undefined;
}

export interface Device {
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

export interface StoredSession {
  readonly fields: Fields;
  readonly meta: SessionMeta;
  /** Wall time of its last use that was noted, in milliseconds. */
  readonly seenAtMs: number;
}

export interface NewSession extends StoredSession {
  /** How long it lives if it is not touched, in milliseconds. */
  readonly ttlMs: number;
}

/** A change of some fields. */
export interface Change {
  readonly set: Fields;
  readonly del: readonly string[];
  /** What these fields must be for the change to be made; `undefined`: not there. */
  readonly expect?: ReadonlyMap<string, string | undefined> | undefined;
}

/** When it was seen, and how long it lives from now on, in milliseconds. */
export interface Touch {
  readonly seenAtMs: number;
  readonly ttlMs: number;
}

/** `gone`: there is no such session any more. `conflict`: a field is not as expected. Nothing was done then. */
export type CommitResult = "ok" | "gone" | "conflict";

/**
 * Keeps sessions by {@link SessionKey}: a text made of a hash of the id; the id itself is never
 * given to a store.
 */
export interface SessionStore {
  /** For events and errors: `"redis"`. */
  readonly name: string;
  load(key: string): Promise<StoredSession | undefined>;
  /** False: there is one with this key already. */
  create(key: string, session: NewSession): Promise<boolean>;
  commit(key: string, change: Change, touch: Touch): Promise<CommitResult>;
  /** False: it is gone. */
  touch(key: string, touch: Touch): Promise<boolean>;
  /** Gives a session another key and other knowledge; its fields, and changes made to them meanwhile, stay. */
  rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean>;
  /** False: it was gone already. */
  destroy(key: string): Promise<boolean>;
}

/** One session of a user. */
export interface UserSession {
  readonly key: string;
  readonly meta: SessionMeta;
  readonly seenAtMs: number;
}

/**
 * Finds the sessions of a user. It never misses one: whoever logs in calls `enlist` *before* the
 * session is the user's, and `strike` after it is gone; `ofUser` leaves out, and forgets, what does
 * not exist.
 */
export interface UserIndex {
  enlist(userId: string, key: string, ttlMs: number): Promise<void>;
  strike(userId: string, key: string): Promise<void>;
  /** Those that exist, the one seen last first. */
  ofUser(userId: string): Promise<readonly UserSession[]>;
}

/**
 * A number for each user that only grows. A session whose login saw a smaller one is over, whoever
 * knows of it: also a login that was under way when it was raised, and one that a backup brought back.
 */
export interface UserEpochs {
  /** 0: it was never raised, or so long ago that no session from before is alive. */
  epochOf(userId: string): Promise<number>;
  /** @param keepMs how long a session from before might live. */
  raiseEpoch(userId: string, keepMs: number): Promise<void>;
  /** Forgets whatever the store knows of a user who has no sessions any more. */
  forgetUser(userId: string): Promise<void>;
}

/** Removes what has expired, where the store does not do that by itself. */
export interface Sweeper {
  /** @returns how many sessions were removed, at most `limit`. */
  sweep(limit: number): Promise<number>;
}

export interface SessionListener {
  /** It was destroyed, or has another key now. An expired session is not announced. */
  gone?(key: string): void;
  /** Its fields were changed; of stores that announce that. */
  changed?(key: string): void;
  /** Announcements may have been missed. */
  gap?(): void;
}

/** Tells what happens to sessions, by whatever process. */
export interface Announcer {
  /** Whether `changed` is told too, and not only `gone`. */
  readonly announcesChanges: boolean;
  /** @returns ends it. */
  listen(listener: SessionListener): () => void;
}

/** Can go through all sessions: for administration, not for requests. */
export interface Listing {
  /** Those that have not expired, in no order; one that comes or goes meanwhile may be missing. */
  keys(): AsyncIterable<string>;
}

export function hasUserIndex<Store extends object>(store: Store): store is Store & UserIndex {
  return hasMethods(store, ["enlist", "strike", "ofUser"]);
}

export function hasSweeper<Store extends object>(store: Store): store is Store & Sweeper {
  return hasMethods(store, ["sweep"]);
}

export function hasUserEpochs<Store extends object>(store: Store): store is Store & UserEpochs {
  return hasMethods(store, ["epochOf", "raiseEpoch", "forgetUser"]);
}

export function hasAnnouncer<Store extends object>(store: Store): store is Store & Announcer {
  return hasMethods(store, ["listen"]);
}

export function hasListing<Store extends object>(store: Store): store is Store & Listing {
  return hasMethods(store, ["keys"]);
}

function hasMethods(store: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(store, name) === "function");
}
