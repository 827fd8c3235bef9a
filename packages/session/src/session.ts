/**
 * One session as the code of a request sees it.
 *
 * Nothing is asked of the store before it is needed: a request that does not touch its session costs
 * nothing, one that only sets a field writes without reading. What is changed is written by `save`,
 * which the middleware calls before the answer leaves, field by field.
 *
 * The id changes with the user: a login takes a new one and ends the old, in one step.
 */

import { requireText } from "@headroom/core/options";
import { cannotCompare, sessionGone, sessionNotLoaded, sessionReadonly } from "./errors.ts";
import { addFlash, type FlashSession, takeFlash } from "./flash.ts";
import { refuseProperties } from "./refuse-properties.ts";
import type { CarriedSession } from "./session-carrier.ts";
import type { SessionContext, SessionOrigin } from "./session-context.ts";
import { sessionKey } from "./session-id.ts";
import { endsAtMs } from "./session-lifetime.ts";
import { SessionRecord } from "./session-record.ts";
import type { CommitResult, SessionMeta } from "./store.ts";
import { updateField } from "./update-field.ts";

type Name<Data> = keyof Data & string;

export class Session<Data extends object = Record<string, unknown>> {
  readonly #context: SessionContext;
  readonly #origin: SessionOrigin;
  readonly #record: SessionRecord;
  #isTouched = false;

  static {
    refuseProperties(Session.prototype);
  }

  constructor(context: SessionContext, origin: SessionOrigin, carried: CarriedSession) {
    this.#context = context;
    this.#origin = origin;
    this.#record = new SessionRecord(context, carried);
  }

  /** A name for it that is no secret: for logs, and to end it from elsewhere. Absent until there is one. */
  get ref(): string | undefined {
    const { id } = this.#record;
    return id === undefined ? undefined : sessionKey(id);
  }

  /** Whether anything was asked of it or changed in it. */
  get isTouched(): boolean {
    return this.#isTouched;
  }

  /** Whose it is. @throws SessionError `SESSION_NOT_LOADED` */
  get userId(): string | undefined {
    return this.#known().userId;
  }

  /** When its user logged in, in milliseconds since the epoch. @throws SessionError `SESSION_NOT_LOADED` */
  get authenticatedAtMs(): number | undefined {
    return this.#known().authenticatedAtMs;
  }

  /** When it is over at the latest, in milliseconds since the epoch. @throws SessionError `SESSION_NOT_LOADED` */
  get expiresAtMs(): number | undefined {
    this.#known();
    const { meta } = this.#record;
    return meta && endsAtMs(this.#context.rules, meta);
  }

  /** Whether its user logged in no longer than `maxAgeMs` ago: else ask for the password again. */
  isFresh(maxAgeMs: number): boolean {
    const atMs = this.authenticatedAtMs;
    return atMs !== undefined && this.#context.rules.clock.now() - atMs <= maxAgeMs;
  }

  /** Reads it now, if it was not read yet. */
  async load(): Promise<this> {
    this.#isTouched = true;
    await this.#record.load();
    return this;
  }

  /** As `load`, without that counting as a use: for whoever reads ahead. */
  prefetch(): Promise<void> {
    return this.#record.load();
  }

  /** The value of a field; undefined: there is none. Changes made inside of it are written too. */
  async get<N extends Name<Data>>(name: N): Promise<Data[N] | undefined> {
    this.#isTouched = true;
    if (!this.#record.fields.knows(name)) await this.#record.load();
    return this.#record.fields.get(name) as Data[N] | undefined;
  }

  /** As `get`, of a session that was loaded. @throws SessionError `SESSION_NOT_LOADED` */
  peek<N extends Name<Data>>(name: N): Data[N] | undefined {
    this.#isTouched = true;
    if (!this.#record.fields.knows(name)) this.#known();
    return this.#record.fields.get(name) as Data[N] | undefined;
  }

  /** The names of all fields of a session that was loaded. */
  names(): string[] {
    this.#known();
    return this.#record.fields.names();
  }

  /**
   * Sets a field, without reading. Written with the response, or by `save`.
   * @throws SessionError `SESSION_VALUE`, `SESSION_GONE`, `SESSION_READONLY`
   */
  set<N extends Name<Data>>(name: N, value: Data[N]): void {
    this.#requireWritable();
    this.#record.fields.set(requireText("the name of a session field", name), value);
  }

  delete(name: Name<Data>): void {
    this.#requireWritable();
    this.#record.fields.delete(name);
  }

  /**
   * Changes a field by what it is now, as if nobody else did so at the same time, and writes it at
   * once. `change` may be called again, with a newer value; undefined deletes the field.
   * @throws SessionError `SESSION_CONFLICT`, `SESSION_GONE`; `SESSION_UNSUPPORTED` with a `cookieStore`
   */
  async update<N extends Name<Data>>(
    name: N,
    change: (value: Data[N] | undefined) => Data[N] | undefined,
  ): Promise<Data[N] | undefined> {
    if (this.#context.carrier.isCookie) throw cannotCompare();
    return this.#update(name, change);
  }

  async #update<N extends Name<Data>>(
    name: N,
    change: (value: Data[N] | undefined) => Data[N] | undefined,
  ): Promise<Data[N] | undefined> {
    this.#requireWritable();
    await this.load();
    this.#record.require();
    await this.save();
    const record = this.#record;
    const updated = await this.#context.updates.run(record.key, () =>
      updateField(record.fields, name, change as (value: unknown) => unknown, {
        commit: (delta) => record.change(delta),
        reload: () => record.reload(),
        clock: this.#context.rules.clock,
      }),
    );
    return updated as Data[N] | undefined;
  }

  /** Keeps a message until it is taken, once: "saved". */
  flash(kind: string, message: string): Promise<void> {
    return addFlash(this.#flashes, kind, message);
  }

  /** The messages of `flash`, which are gone with that. */
  takeFlash(kind: string): Promise<readonly string[]> {
    return takeFlash(this.#flashes, kind);
  }

  /**
   * Makes it this user's: a new id, the fields as they were, the old id ended.
   * @throws SessionError `SESSION_LIMIT`: the user has too many.
   */
  async login(userId: string): Promise<void> {
    requireText("userId", userId);
    this.#requireWritable();
    const { rules, users } = this.#context;
    const [before, from] = [this.#record.meta?.userId, this.ref];
    const nowMs = rules.clock.now();
    const device = this.#origin.device();
    const epoch = await users.epochOf(userId);
    const meta = { createdAtMs: nowMs, userId, authenticatedAtMs: nowMs, device, epoch };
    await this.#record.rotate(meta);
    if (before !== undefined && from !== undefined) await users.strike(before, from);
    if (rules.maxPerUser === undefined) return;
    try {
      await users.limit(userId, this.#record.key, rules.maxPerUser);
    } catch (error) {
      this.#record.forget("none", "clear");
      throw error;
    }
  }

  /** Takes a new id and keeps everything else: after a change of rights, for instance. */
  async rotate(): Promise<void> {
    this.#requireWritable();
    await this.load();
    await this.#record.rotate(
      this.#record.meta ?? { createdAtMs: this.#context.rules.clock.now() },
    );
  }

  /** Ends it, for its user on this device. What is set after that is in a new, anonymous one. */
  async logout(): Promise<void> {
    await this.#end();
    this.#record.forget("none", "clear");
  }

  /** Ends it and begins another that is empty. */
  async regenerate(): Promise<void> {
    await this.#end();
    this.#record.forget("none", "keep");
    this.#record.require();
  }

  /** Ends it; nothing can be set in this request any more. */
  async destroy(): Promise<void> {
    await this.#end();
    this.#record.forget("ended", "clear");
  }

  /** A token for forms, that only pages of this session can know. It changes with the id, and takes no room. */
  csrfToken(): string {
    this.#requireWritable();
    return this.#context.signer.derive("csrf", this.#record.require());
  }

  /** Whether a form has the token of this session. */
  hasCsrfToken(token: unknown): boolean {
    this.#isTouched = true;
    const { id, state } = this.#record;
    if (typeof token !== "string" || id === undefined || state !== "exists") return false;
    return this.#context.signer.isDerived(token, "csrf", id);
  }

  /**
   * Writes what was changed.
   * @throws SessionError `SESSION_GONE`: another request has ended it.
   */
  async save(): Promise<void> {
    if ((await this.commit()) === "gone") throw sessionGone();
  }

  /** As `save`, and says what came of it: for those who cannot do anything about it. */
  commit(): Promise<CommitResult> {
    return this.#record.commit();
  }

  /** As `commit`, for those who go on at once when there is nothing to write: undefined then. */
  commitChanges(): Promise<CommitResult> | undefined {
    return this.#record.commitChanges();
  }

  /** Whether it can be changed in this request. */
  get isWritable(): boolean {
    return this.#record.state === "none" || this.#record.state === "exists";
  }

  /** Whether `commit` would have anything to write. */
  get isDirty(): boolean {
    return this.#record.isDirty;
  }

  /** Notes its use, if that was not done for a while; `createSessions` says how long. */
  noteUse(): void {
    this.#record.noteUse();
  }

  /** Whether `takeCookie` has one. */
  get isCookieDue(): boolean {
    return this.#record.isCookieDue;
  }

  /** The value of the `Set-Cookie` that is due, once; asked for when everything is written. */
  takeCookie(): string | undefined {
    return this.#record.takeCookie();
  }

  get #flashes(): FlashSession {
    const session = this as unknown as Session;
    return {
      get: (name) => session.get(name),
      update: (name, change) => session.#update(name, change),
    };
  }

  async #end(): Promise<void> {
    this.#isTouched = true;
    await this.#record.end();
  }

  #known(): Partial<SessionMeta> {
    this.#isTouched = true;
    const { state, meta } = this.#record;
    if (state === "exists" && meta === undefined) throw sessionNotLoaded();
    return meta ?? {};
  }

  #requireWritable(): void {
    this.#isTouched = true;
    const { state } = this.#record;
    if (state === "gone" || state === "ended") throw sessionGone();
    if (state === "unknown") throw sessionReadonly();
  }
}
