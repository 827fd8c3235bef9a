export type { AdoptOptions } from "./adoption/adopted-sessions.ts";
export type { ForeignSessions } from "./adoption/foreign-sessions.ts";
export {
  type CookieStore,
  type CookieStoreCapabilities,
  cookieStore,
} from "./cookie/cookie-store.ts";
export { SessionError, type SessionErrorCode } from "./errors.ts";
export type { CookieOptions } from "./http/cookie-rules.ts";
export type { SessionMiddleware } from "./http/session-middleware.ts";
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from "./memory-store.ts";
export { type MigrationOptions, migratingStore } from "./migration/migrating-store.ts";
export type { Session } from "./session.ts";
export type {
  CookieSessionsOptions,
  LocalCopiesOptions,
  OutagePolicy,
  SessionsOptions,
  UserLimitOptions,
} from "./session-rules.ts";
export {
  type CookieSession,
  type CookieSessions,
  createSessions,
  type Sessions,
} from "./sessions.ts";
export type {
  Announcer,
  Change,
  CommitResult,
  Device,
  Fields,
  Listing,
  NewSession,
  SessionListener,
  SessionMeta,
  SessionStore,
  StoredSession,
  Sweeper,
  Touch,
  UserEpochs,
  UserIndex,
  UserSession,
} from "./store.ts";
