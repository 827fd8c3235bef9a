/** Sessions for an application: what is made once, and asked by every request. */

import type { IncomingMessage } from "node:http";
import { requireText } from "@headroom/core/options";
import { SessionError } from "./errors.ts";
import { type SessionMiddleware, sessionMiddleware, visitOf } from "./http/session-middleware.ts";
import { Session } from "./session.ts";
import { SessionContext } from "./session-context.ts";
import { type CookieSessionsOptions, type SessionsOptions, sessionRules } from "./session-rules.ts";
import { type Device, hasAnnouncer, hasSweeper, type UserSession } from "./store.ts";
import { sweepRegularly } from "./sweeping.ts";

export interface Sessions<Data extends object> extends AsyncDisposable {
  /** For `app.use`: gives every request its `session`. */
  express(): SessionMiddleware;
  /** The session that the middleware gave to this request, whatever the mode of loading. */
  of(request: IncomingMessage): Session<Data>;
  /** Without a framework: `cookie` is the request's header. Call `save`, then send `takeCookie()`. */
  open(cookie: string | undefined, device?: () => Device): Session<Data>;
  /** Of a WebSocket's upgrade request, loaded. Its changes are written by `save`. */
  fromUpgrade(request: IncomingMessage): Promise<Session<Data>>;
  /**
   * Calls `listener` when this session is ended or gets another id, by whatever process.
   * @returns ends that.
   * @throws SessionError `SESSION_UNSUPPORTED`: the store cannot tell.
   */
  onRevoked(session: Session<Data>, listener: () => void): () => void;
  /** Where a user is logged in, the device used last first. */
  ofUser(userId: string): Promise<readonly UserSession[]>;
  /** Ends one, by its `ref` or by the `key` of `ofUser`. False: it was gone. */
  revoke(ref: string): Promise<boolean>;
  /** Ends all of a user, or all but one; nothing of them is left. @returns how many. */
  revokeUser(userId: string, options?: { readonly except?: string | undefined }): Promise<number>;
  /** Ends all of a user, and forgets that there was one: for whoever asks to be deleted. @returns how many. */
  wipeUser(userId: string): Promise<number>;
  /** Ends the timers and what listens; the store's client is the application's. */
  close(): Promise<void>;
}

/** A session that is in its cookie: without what needs to know of other requests. */
export type CookieSession<Data extends object> = Omit<Session<Data>, "update">;

/** Of a `cookieStore()`: without what needs a server that knows the sessions. */
export interface CookieSessions<Data extends object> extends AsyncDisposable {
  /** For `app.use`: gives every request its `session`. */
  express(): SessionMiddleware;
  /** The session that the middleware gave to this request, whatever the mode of loading. */
  of(request: IncomingMessage): CookieSession<Data>;
  /** Without a framework: `cookie` is the request's header. Call `save`, then send `takeCookie()`. */
  open(cookie: string | undefined): CookieSession<Data>;
  /** Of a WebSocket's upgrade request, loaded. What is changed in it is lost: no answer takes it along. */
  fromUpgrade(request: IncomingMessage): Promise<CookieSession<Data>>;
  close(): Promise<void>;
}

/**
 * With a `cookieStore()`: the session is in its cookie, and no server knows it.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: CookieSessionsOptions,
): CookieSessions<Data>;
/** @throws TypeError or RangeError naming the option that is wrong. */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions,
): Sessions<Data>;
export function createSessions<Data extends object>(
  options: SessionsOptions | CookieSessionsOptions,
): Sessions<Data> {
  return new ApplicationSessions<Data>(options);
}

class ApplicationSessions<Data extends object> implements Sessions<Data> {
  readonly #context: SessionContext;
  /** Where a request keeps its session. A `WeakMap` would be work for the garbage collector. */
  readonly #slot = Symbol("headroom.session");
  readonly #stopSweeping: () => void;

  constructor(options: SessionsOptions | CookieSessionsOptions) {
    const rules = sessionRules(options);
    this.#context = new SessionContext(rules);
    const { store, clock } = rules;
    this.#stopSweeping = hasSweeper(store) ? sweepRegularly(store, clock) : () => {};
  }

  express(): SessionMiddleware {
    const open = (request: IncomingMessage) =>
      this.#ofRequest(request) as unknown as Session<Record<string, unknown>>;
    return sessionMiddleware({ rules: this.#context.rules, open, slot: this.#slot });
  }

  of(request: IncomingMessage): Session<Data> {
    const visit = visitOf(request, this.#slot);
    if (visit !== undefined) return visit.session as unknown as Session<Data>;
    throw new TypeError(
      "the request has no session: app.use(sessions.express()) before this route",
    );
  }

  open(cookie: string | undefined, device: () => Device = () => ({})): Session<Data> {
    return new Session(this.#context, { device }, this.#context.carrier.open(cookie));
  }

  fromUpgrade(request: IncomingMessage): Promise<Session<Data>> {
    return this.#ofRequest(request).load();
  }

  onRevoked(session: Session<Data>, listener: () => void): () => void {
    const { store } = this.#context.rules;
    const { ref } = session;
    if (!hasAnnouncer(store)) {
      const what = `the session store "${store.name}" does not tell which sessions end`;
      throw new SessionError("SESSION_UNSUPPORTED", what);
    }
    return store.listen({
      gone(key) {
        if (key === ref) listener();
      },
      gap: () => this.#askWhetherGone(ref, listener),
    });
  }

  ofUser(userId: string): Promise<readonly UserSession[]> {
    return this.#context.users.list(requireText("userId", userId));
  }

  revoke(ref: string): Promise<boolean> {
    return this.#context.users.end(requireText("ref", ref));
  }

  revokeUser(userId: string, { except }: { except?: string | undefined } = {}): Promise<number> {
    return this.#context.users.endAll(requireText("userId", userId), except);
  }

  wipeUser(userId: string): Promise<number> {
    return this.#context.users.wipe(requireText("userId", userId));
  }

  async close(): Promise<void> {
    this.#stopSweeping();
    this.#context.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Its end may have been announced while nobody heard. */
  #askWhetherGone(ref: string | undefined, listener: () => void): void {
    if (ref === undefined) return;
    this.#context.store?.load(ref).then(
      (stored) => stored ?? listener(),
      () => {}, // the store is out: it is asked again when it can be heard again
    );
  }

  #ofRequest(request: IncomingMessage): Session<Data> {
    return this.open(request.headers.cookie, () => deviceOf(request));
  }
}

/** What a user sees in the list of devices; Express' `ip` heeds its "trust proxy". */
function deviceOf(request: IncomingMessage): Device {
  const ip = "ip" in request && typeof request.ip === "string" ? request.ip : undefined;
  return {
    ip: ip ?? request.socket.remoteAddress,
    userAgent: request.headers["user-agent"]?.slice(0, 256),
  };
}
