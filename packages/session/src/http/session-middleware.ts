/**
 * Sessions in Express, Connect and `node:http`.
 *
 * The handle is made without asking anybody; whatever a handler changes in it is written before the
 * first byte of the answer leaves. An answer whose session nobody touched passes as it is, without
 * `Vary` and without a cookie, so that it may be cached.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { holdResponse } from "@headroom/core/response-hold";
import { isCookieStore } from "../cookie/cookie-store.ts";
import { sentAlready } from "../errors.ts";
import type { Session } from "../session.ts";
import type { SessionRules } from "../session-rules.ts";
import { collect, EagerSession } from "./eager-session.ts";
import { markSettingCookie, markVarying } from "./session-headers.ts";

/** For `app.use`. */
export type SessionMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

type AnySession = Session<Record<string, unknown>>;

export interface MiddlewareParts {
  readonly rules: SessionRules;
  readonly open: (request: IncomingMessage) => AnySession;
}

export function sessionMiddleware({ rules, open }: MiddlewareParts): SessionMiddleware {
  return (request, response, next) => {
    const session = open(request);
    const visit = new Visit(request, response, session, rules);
    holdResponse(response, {
      beforeHead: () => visit.finish(false),
      beforeEnd: () => visit.finish(true),
      failed: next,
    });
    if (rules.load === "lazy") {
      visit.show(session);
      return next();
    }
    const reading = session.prefetch();
    if (rules.load === "prefetch") {
      // A failure is met again by whoever uses the session.
      reading.catch(() => {});
      visit.show(session);
      return next();
    }
    reading.then(() => {
      visit.showEager();
      next();
    }, next);
  };
}

/** One request with its session. */
class Visit {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #session: AnySession;
  readonly #rules: SessionRules;
  #eager: EagerSession | undefined;
  #isUsed = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    session: AnySession,
    rules: SessionRules,
  ) {
    this.#request = request;
    this.#response = response;
    this.#session = session;
    this.#rules = rules;
  }

  show(session: unknown): void {
    Object.defineProperty(this.#request, "session", { value: session, configurable: true });
  }

  /** Whoever looks at the fields has used the session: that cannot be seen otherwise. */
  showEager(): void {
    const eager = new EagerSession(this.#session);
    this.#eager = eager;
    const get = (): EagerSession => {
      this.#isUsed = true;
      return eager;
    };
    Object.defineProperty(this.#request, "session", { get, configurable: true });
  }

  /** What is to be done before the answer goes on. @param isHeadSent too late for a cookie. */
  finish(isHeadSent: boolean): Promise<void> | undefined {
    const session = this.#session;
    if (this.#eager === undefined ? !session.isTouched : !this.#isUsed) return undefined;
    if (!isHeadSent) markVarying(this.#response);
    const isTooLate = isHeadSent && isCookieStore(this.#rules.store);
    try {
      if (this.#eager !== undefined) collect(this.#eager);
      if (isTooLate && (session.isDirty || session.isCookieDue)) throw sentAlready();
      if (session.isDirty) return session.commit().then(() => this.#mark(isHeadSent));
    } catch (error) {
      return Promise.reject(error);
    }
    if (!isTooLate) session.noteUse();
    this.#mark(isHeadSent);
    return undefined;
  }

  #mark(isHeadSent: boolean): void {
    const cookie = this.#session.takeCookie();
    if (cookie === undefined) return;
    if (!isHeadSent) {
      markSettingCookie(this.#request, this.#response, cookie, this.#rules.cookie.secure);
      return;
    }
    process.emitWarning(
      `a session was begun or ended after the head of the answer to ${this.#request.method} was sent: its cookie is lost`,
      { code: "HEADROOM_SESSION_LATE" },
    );
  }
}
