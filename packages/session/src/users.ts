/**
 * The sessions of a user: listing them, ending them, limiting them.
 *
 * None is missed, because a session is enlisted before it is the user's. Who ends all sessions of a
 * user ends all that were there when the call began; a login that is under way at that moment may
 * finish after it, as one that comes later would. Whoever changes a password therefore does so
 * first, and revokes then.
 */

import { SessionError } from "./errors.ts";
import type { StoreGuard } from "./guarded-store.ts";
import {
  hasUserEpochs,
  hasUserIndex,
  type SessionMeta,
  type SessionStore,
  type UserEpochs,
  type UserIndex,
  type UserSession,
} from "./store.ts";

export interface UserLimit {
  readonly limit: number;
  readonly overflow: "evict-oldest" | "refuse";
}

export class SessionUsers {
  readonly #store: SessionStore | undefined;
  readonly #index: UserIndex | undefined;
  readonly #epochs: UserEpochs | undefined;
  readonly #epochKeptMs: number;
  readonly #guard: StoreGuard;

  /**
   * @param store undefined: sessions are in their cookies, and nobody can end or list them.
   * @param epochKeptMs undefined: epochs are not heeded.
   */
  constructor(store: SessionStore | undefined, guard: StoreGuard, epochKeptMs: number | undefined) {
    this.#store = store;
    this.#epochs = store && epochKeptMs !== undefined && hasUserEpochs(store) ? store : undefined;
    this.#epochKeptMs = epochKeptMs ?? 0;
    this.#index = store && hasUserIndex(store) ? store : undefined;
    this.#guard = guard;
  }

  async enlist(userId: string, key: string, ttlMs: number): Promise<void> {
    const index = this.#index;
    if (index !== undefined) await this.#guard.run(() => index.enlist(userId, key, ttlMs));
  }

  async strike(userId: string, key: string): Promise<void> {
    const index = this.#index;
    if (index !== undefined) await this.#guard.run(() => index.strike(userId, key));
  }

  /** The one seen last first. @throws SessionError `SESSION_UNSUPPORTED`: the store has no index. */
  list(userId: string): Promise<readonly UserSession[]> {
    const index = this.#index;
    if (index === undefined) {
      return Promise.reject(unsupported(this.#store, "list the sessions of a user"));
    }
    return this.#guard.run(() => index.ofUser(userId));
  }

  /** Ends one. False: it was gone already. */
  async end(key: string, userId?: string): Promise<boolean> {
    const store = this.#store;
    if (store === undefined) throw unsupported(store, "end a session");
    const existed = await this.#guard.run(() => store.destroy(key));
    if (userId !== undefined) await this.strike(userId, key);
    return existed;
  }

  /** What a login notes. Undefined: epochs are not heeded. */
  async epochOf(userId: string): Promise<number | undefined> {
    const epochs = this.#epochs;
    return epochs && this.#guard.run(() => epochs.epochOf(userId));
  }

  /** Whether a session is to be asked for with {@link isRevoked}. */
  get heedsEpochs(): boolean {
    return this.#epochs !== undefined;
  }

  /** Whether all of the user's sessions were ended after this one's login. */
  async isRevoked({ userId, epoch = 0 }: SessionMeta): Promise<boolean> {
    if (userId === undefined) return false;
    const now = await this.epochOf(userId);
    return now !== undefined && epoch < now;
  }

  /** @returns how many were ended. */
  async wipe(userId: string): Promise<number> {
    const ended = await this.endAll(userId);
    const store = this.#store;
    if (store && hasUserEpochs(store)) await this.#guard.run(() => store.forgetUser(userId));
    return ended;
  }

  /** @returns how many were ended. */
  async endAll(userId: string, except?: string): Promise<number> {
    const epochs = this.#epochs;
    if (epochs !== undefined && except === undefined) {
      await this.#guard.run(() => epochs.raiseEpoch(userId, this.#epochKeptMs));
    }
    const others = (await this.list(userId)).filter(({ key }) => key !== except);
    const ended = await Promise.all(others.map(({ key }) => this.end(key, userId)));
    return ended.filter(Boolean).length;
  }

  /**
   * Called when `key` has become the user's: counted afterwards, two logins of one moment cannot
   * both be the last one allowed.
   * @throws SessionError `SESSION_LIMIT`; the session is ended then.
   */
  async limit(userId: string, key: string, { limit, overflow }: UserLimit): Promise<void> {
    const others = (await this.list(userId)).filter((session) => session.key !== key);
    if (others.length < limit) return;
    if (overflow === "refuse") {
      await this.end(key, userId);
      throw new SessionError(
        "SESSION_LIMIT",
        `the user has ${others.length} sessions, of ${limit} allowed: end one first`,
        { status: 403 },
      );
    }
    for (const { key: oldest } of others.slice(limit - 1)) await this.end(oldest, userId);
  }
}

function unsupported(store: SessionStore | undefined, what: string): SessionError {
  return new SessionError(
    "SESSION_UNSUPPORTED",
    `the session store "${store?.name ?? "cookie"}" cannot ${what}`,
  );
}
