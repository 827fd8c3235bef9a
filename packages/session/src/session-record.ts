/**
 * The record of one session in the store, as one request knows it: what it was when it was read, what
 * this request has changed, and what was found out when that was written.
 *
 *     none ──── create ────► exists ──── end ───────────► none or ended
 *                             │  └────── rotate ────────► exists, with another id
 *                             └───────── found gone ────► gone
 *
 * `unknown`: the store was out when it was to be read, and the policy is to go on without it.
 *
 * Invariants
 *
 * - **What has ended stays ended.** A change is written only where the session still exists. If it
 *   was read and then ended by another request, what this one wanted to write is dropped: it was made
 *   of what that user was logged out of.
 * - **Fields that were not changed are not written**, so that requests beside this one lose nothing.
 *
 * A session that is set without being read, and turns out to be gone, is a new one: nothing of the
 * old is in it.
 */

import { sessionCommit } from "@headroom/core/channels";
import { sessionGone } from "./errors.ts";
import { FieldChanges, type FieldDelta, isEmpty } from "./field-changes.ts";
import { clearCookie, setCookie } from "./http/cookie-rules.ts";
import { readSession } from "./read-session.ts";
import type { CarriedSession } from "./session-carrier.ts";
import type { SessionContext } from "./session-context.ts";
import { newSessionId, rotatedSessionId, sessionKey } from "./session-id.ts";
import { touchNow } from "./session-lifetime.ts";
import { requireWithin } from "./session-size.ts";
import type { Change, CommitResult, SessionMeta, StoredSession, Touch } from "./store.ts";

export type RecordState = "none" | "exists" | "gone" | "ended" | "unknown";

export class SessionRecord {
  readonly fields: FieldChanges = new FieldChanges();
  readonly #context: SessionContext;
  readonly #carried: CarriedSession;
  #state: RecordState;
  #id: string | undefined;
  /** Of `#id`; made when it is first asked for. */
  #key: string | undefined;
  #meta: SessionMeta | undefined;
  #seenAtMs: number | undefined;
  #loading: Promise<void> | undefined;
  #cookie: "keep" | "set" | "clear" = "keep";
  #mustExist = false;

  constructor(context: SessionContext, carried: CarriedSession) {
    this.#context = context;
    this.#carried = carried;
    this.#id = carried.id;
    this.#state = carried.id === undefined ? "none" : "exists";
  }

  get state(): RecordState {
    return this.#state;
  }

  get id(): string | undefined {
    return this.#id;
  }

  /** Undefined: there is no session, or it was not read. */
  get meta(): SessionMeta | undefined {
    return this.#meta;
  }

  /** @throws TypeError: there is none. */
  get key(): string {
    if (this.#id === undefined) throw new TypeError("a session without an id has no key");
    this.#key ??= sessionKey(this.#id);
    return this.#key;
  }

  /** Reads it, unless that was done; several callers share one reading. */
  load(): Promise<void> {
    if (this.#state !== "exists" || this.fields.isLoaded) return Promise.resolve();
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** The fields as they are now. @throws SessionError `SESSION_GONE` */
  async reload(): Promise<void> {
    const stored = await this.#carried.store.load(this.key);
    if (stored === undefined) {
      this.#state = "gone";
      throw sessionGone();
    }
    this.#take(stored);
  }

  /** There is to be a session, even one without fields. @returns its id. */
  require(): string {
    if (this.#state === "none") this.#mustExist = true;
    this.#id ??= newSessionId();
    return this.#id;
  }

  /** Whether `commit` would have anything to write. */
  get isDirty(): boolean {
    if (this.#state !== "none" && this.#state !== "exists") return false;
    return this.#mustExist || this.fields.areChanged;
  }

  /** Writes what was changed. Undefined: nothing was. @throws SessionError `SESSION_VALUE` */
  commitChanges(): Promise<CommitResult> | undefined {
    if (this.#state !== "none" && this.#state !== "exists") return undefined;
    const delta = this.fields.delta();
    if (!this.#mustExist && isEmpty(delta)) return undefined;
    return sessionCommit.trace(
      () => ({ store: this.#context.rules.name }),
      async (message) => {
        const result = await this.#commit(delta);
        if (message !== undefined) message.result = result;
        return result;
      },
    );
  }

  /** As `commitChanges`, and says also what is known without writing. */
  async commit(): Promise<CommitResult> {
    const nothing = this.#state === "gone" ? "gone" : "ok";
    return (await this.commitChanges()) ?? nothing;
  }

  /** Writes this change as well, and nothing of `fields`. */
  async change(change: Change): Promise<CommitResult> {
    const result = await this.#carried.store.commit(this.key, change, this.#touch());
    if (result === "ok") this.#written();
    return result;
  }

  /** Gives it another id and this knowledge; makes one if there is none any more. */
  async rotate(meta: SessionMeta): Promise<void> {
    const { rules, users } = this.#context;
    const { store } = this.#carried;
    if (this.#state !== "exists" || this.#id === undefined) return this.#create(meta);
    const to = rotatedSessionId(this.#id);
    const key = sessionKey(to);
    if (meta.userId !== undefined) await users.enlist(meta.userId, key, rules.absoluteMs);
    if (await store.rotate(this.key, key, meta, touchNow(rules, meta))) {
      this.#setId(to);
      this.#meta = meta;
      this.#cookie = "set";
      if ((await this.commit()) === "gone") throw sessionGone();
      return;
    }
    // Ended meanwhile: nothing that was made of it is taken along.
    const set = this.fields.isLoaded ? new Map<string, string>() : this.fields.delta().set;
    this.forget("none", "keep");
    for (const [name, text] of set) this.fields.set(name, JSON.parse(text));
    await this.#create(meta);
  }

  /** Ends it in the store. */
  async end(): Promise<void> {
    if (this.#state !== "exists") return;
    await this.#carried.store.destroy(this.key);
    const userId = this.#meta?.userId;
    if (userId !== undefined) await this.#context.users.strike(userId, this.key);
  }

  /** This request has nothing to do with it any more. */
  forget(state: "none" | "ended", cookie: "keep" | "clear"): void {
    this.#state = state;
    this.#setId(undefined);
    this.#meta = undefined;
    this.#seenAtMs = undefined;
    this.fields.reset();
    this.#cookie = cookie;
    this.#mustExist = false;
  }

  /** Notes the use of a session that was read and not written. Nobody waits for it. */
  noteUse(): void {
    const { rules, carrier, touches } = this.#context;
    const seenAtMs = this.#seenAtMs;
    if (this.#state !== "exists" || seenAtMs === undefined) return;
    if (rules.clock.now() - seenAtMs < rules.touchEveryMs) return;
    const touch = this.#touch();
    this.#seenAtMs = touch.seenAtMs;
    if (!carrier.isCookie && !touches.isFirst(this.key, touch.seenAtMs)) return;
    const { key } = this;
    // A use that is not noted shortens the session; the next one is noted again.
    this.#carried.store.touch(key, touch).catch(() => touches.forget(key));
    if (carrier.isCookie && this.#cookie === "keep") this.#cookie = "set";
  }

  get isCookieDue(): boolean {
    return this.#cookie === "clear" || (this.#cookie === "set" && this.#id !== undefined);
  }

  /** The value of the `Set-Cookie` that is due, once; asked for when everything is written. */
  takeCookie(): string | undefined {
    const { rules } = this.#context;
    const due = this.#cookie;
    this.#cookie = "keep";
    if (due === "clear") return clearCookie(rules.cookie);
    if (due === "keep" || this.#id === undefined) return undefined;
    return setCookie(rules.cookie, this.#carried.cookieValue(this.#id), rules.absoluteMs);
  }

  async #load(): Promise<void> {
    try {
      const { stored, isCertain } = await readSession(this.#context, this.#carried.store, this.key);
      this.#take(stored);
      if (!isCertain) this.#state = "unknown";
      else if (stored === undefined) {
        // The cookie is left alone: a request beside this one may just have set a new one.
        this.#state = "none";
        this.#setId(undefined);
      }
    } finally {
      this.#loading = undefined;
    }
  }

  #setId(id: string | undefined): void {
    this.#id = id;
    this.#key = undefined;
  }

  #take(stored: StoredSession | undefined): void {
    this.fields.load(stored?.fields ?? new Map());
    this.#meta = stored?.meta;
    this.#seenAtMs = stored?.seenAtMs;
  }

  async #commit(delta: FieldDelta): Promise<CommitResult> {
    const { rules } = this.#context;
    const { store } = this.#carried;
    requireWithin(rules.maxBytes, this.fields.isLoaded ? this.fields.all(delta) : delta.set);
    if (this.#state === "none") return this.#begin();
    const touch = this.#touch();
    const result = await store.commit(this.key, delta, touch);
    if (result === "ok") {
      this.fields.committed(delta);
      this.#seenAtMs = touch.seenAtMs;
      this.#written();
      return "ok";
    }
    if (this.fields.isLoaded) {
      this.#state = "gone";
      return "gone";
    }
    this.#setId(undefined);
    return this.#begin();
  }

  async #begin(): Promise<"ok"> {
    await this.#create({ createdAtMs: this.#context.rules.clock.now() });
    return "ok";
  }

  async #create(meta: SessionMeta): Promise<void> {
    const { rules, users } = this.#context;
    const { store } = this.#carried;
    const { set } = this.fields.delta();
    this.#id ??= newSessionId();
    const touch = touchNow(rules, meta);
    if (meta.userId !== undefined) await users.enlist(meta.userId, this.key, rules.absoluteMs);
    if (!(await store.create(this.key, { fields: set, meta, ...touch }))) {
      throw new Error("a random id of 256 bits was in use already");
    }
    this.fields.load(set);
    this.#meta = meta;
    this.#state = "exists";
    this.#seenAtMs = touch.seenAtMs;
    this.#cookie = "set";
    this.#mustExist = false;
  }

  /** Whether the browser is to get another cookie for it. */
  #written(): void {
    const isDue = this.#carried.isOld || this.#context.carrier.isCookie;
    if (isDue && this.#cookie === "keep") this.#cookie = "set";
  }

  #touch(): Touch {
    return touchNow(this.#context.rules, this.#meta);
  }
}
