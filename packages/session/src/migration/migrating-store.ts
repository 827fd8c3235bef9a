/**
 * Two stores as one, while sessions go from one to the other and nobody is logged out.
 *
 *     prepare   as before, in `from`; but finds sessions that are in `to` already
 *     move      new sessions are made in `to`, and one that is in `from` is moved when it is written or touched
 *
 * First all servers prepare, then all move, one after the other as they are deployed. `idleMs` after the
 * last has begun to move, `from` has only sessions that are over, and `to` can be used alone. The way
 * back is the same with the stores changed over.
 *
 * A session is in one store at a time, because two copies that are written one after the other differ
 * as soon as a write fails or two requests meet. It is moved in steps, each of which may be the last of
 * a server that dies, and taken up by whoever comes next:
 *
 *     1. mark it in `from`: whoever commits expects no mark, so its fields are fixed from here on
 *     2. read it there, enlist it for its user, create it in `to`
 *     3. destroy it in `from`
 *
 * Who has created it in step 2 and finds it gone in step 3 has come too late: it was ended meanwhile,
 * or moved and ended, and is taken back. So no write that was acknowledged is lost, and no logout undone.
 *
 * What it does not guarantee: when a login rotates a session in the moment in which another server
 * moves it, while servers of both phases run, a third request's write of that moment may be lost.
 */

import { requireKnownOptions, requireMethods, requireOneOf } from "@headroom/core/options";
import {
  type Change,
  type CommitResult,
  hasUserIndex,
  type NewSession,
  type SessionMeta,
  type SessionStore,
  type StoredSession,
  type Touch,
} from "../store.ts";
import { migratingPowers } from "./migrating-powers.ts";

export interface MigrationOptions {
  /** Where sessions were until now. */
  readonly from: SessionStore;
  /** Where they are to be. */
  readonly to: SessionStore;
  /** `prepare` on all servers first, then `move` on all. */
  readonly phase: "prepare" | "move";
}

const MARK = "headroom:moving";
/** Longer than a session lives: browsers keep no cookie longer. An index forgets what has ended by itself. */
const LONGEST_MS = 400 * 86_400_000;

/**
 * A store for `createSessions` and `toExpressSessionStore`, with the powers that both stores have.
 * @throws TypeError naming the option that is wrong.
 */
export function migratingStore(options: MigrationOptions): SessionStore {
  requireKnownOptions("migratingStore", options, ["from", "to", "phase"]);
  const methods = ["load", "create", "commit", "touch", "rotate", "destroy"] as const;
  const from = requireMethods<SessionStore>("from", options.from, methods);
  const to = requireMethods<SessionStore>("to", options.to, methods);
  if (from === to) throw new TypeError("from and to must be two stores");
  const phase = requireOneOf("phase", options.phase, ["prepare", "move"]);
  const store = phase === "prepare" ? new PreparedStore(from, to) : new MovingStore(from, to);
  return Object.assign(store, migratingPowers(from, to));
}

abstract class TwoStores {
  readonly name: string;
  protected readonly from: SessionStore;
  protected readonly to: SessionStore;

  constructor(from: SessionStore, to: SessionStore) {
    this.name = `${from.name} to ${to.name}`;
    this.from = from;
    this.to = to;
  }

  /** In `from` first: who is moving it finds that out, and takes back what is made meanwhile. */
  async destroy(key: string): Promise<boolean> {
    const existed = await this.from.destroy(key);
    return (await this.to.destroy(key)) || existed;
  }

  /** Afterwards it is in `to`, if it is anywhere. */
  protected async move(key: string, touch: Touch): Promise<void> {
    const { from, to } = this;
    const mark = { set: new Map([[MARK, "1"]]), del: [], expect: new Map([[MARK, undefined]]) };
    if ((await from.commit(key, mark, touch)) === "gone") return;
    const stored = await from.load(key);
    if (stored === undefined) return;
    const { meta } = stored;
    if (meta.userId !== undefined && hasUserIndex(to)) {
      await to.enlist(meta.userId, key, LONGEST_MS);
    }
    const isMine = await to.create(key, { ...unmarked(stored), ...touch });
    if (isMine && !(await from.destroy(key))) await to.destroy(key);
  }
}

class PreparedStore extends TwoStores implements SessionStore {
  async load(key: string): Promise<StoredSession | undefined> {
    const stored = await this.from.load(key);
    if (stored !== undefined && !isMarked(stored)) return stored;
    return (await this.to.load(key)) ?? (stored && unmarked(stored));
  }

  create(key: string, session: NewSession): Promise<boolean> {
    return this.from.create(key, session);
  }

  async commit(key: string, change: Change, touch: Touch): Promise<CommitResult> {
    const expect = new Map(change.expect).set(MARK, undefined);
    const result = await this.from.commit(key, { ...change, expect }, touch);
    if (result === "ok") return "ok";
    if (result === "conflict") {
      const stored = await this.from.load(key);
      if (stored !== undefined && !isMarked(stored)) return "conflict";
      await this.move(key, touch);
    }
    return this.to.commit(key, change, touch);
  }

  /** In both: of a move that was broken off there are two. */
  async touch(key: string, touch: Touch): Promise<boolean> {
    const found = await Promise.all([this.from.touch(key, touch), this.to.touch(key, touch)]);
    return found.includes(true);
  }

  async rotate(key: string, next: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    if (await this.to.rotate(key, next, meta, touch)) {
      await this.from.destroy(key);
      return true;
    }
    return (
      (await this.from.rotate(key, next, meta, touch)) || this.to.rotate(key, next, meta, touch)
    );
  }
}

class MovingStore extends TwoStores implements SessionStore {
  /** Nothing is moved by a read: it does not say how long the session is to live. */
  async load(key: string): Promise<StoredSession | undefined> {
    const stored = await this.to.load(key);
    if (stored !== undefined) return stored;
    const old = await this.from.load(key);
    return old === undefined ? this.to.load(key) : unmarked(old);
  }

  create(key: string, session: NewSession): Promise<boolean> {
    return this.to.create(key, session);
  }

  async commit(key: string, change: Change, touch: Touch): Promise<CommitResult> {
    const result = await this.to.commit(key, change, touch);
    if (result !== "gone") return result;
    await this.move(key, touch);
    return this.to.commit(key, change, touch);
  }

  async touch(key: string, touch: Touch): Promise<boolean> {
    if (await this.to.touch(key, touch)) return true;
    await this.move(key, touch);
    return this.to.touch(key, touch);
  }

  async rotate(key: string, next: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    let isDone = await this.to.rotate(key, next, meta, touch);
    if (!isDone) {
      await this.move(key, touch);
      isDone = await this.to.rotate(key, next, meta, touch);
    }
    // What a move that was broken off has left there would be the old id's session.
    if (isDone) await this.from.destroy(key);
    return isDone;
  }
}

function isMarked({ fields }: StoredSession): boolean {
  return fields.has(MARK);
}

function unmarked(stored: StoredSession): StoredSession {
  if (!isMarked(stored)) return stored;
  const fields = new Map(stored.fields);
  fields.delete(MARK);
  return { ...stored, fields };
}
