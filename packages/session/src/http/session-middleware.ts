/**
 * Sessions in Express, Connect and `node:http`.
 *
 * A request that nobody asks for its session costs next to nothing: its cookie is not verified, its
 * answer not held. The first who asks gets a handle that has not asked the store; whatever a handler
 * changes in it is written before the first byte of the answer leaves. An answer whose session nobody
 * touched passes as it is, without `Vary` and without a cookie, so that it may be cached.
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
  /** On a request, its {@link Visit}; of one `createSessions` only. */
  readonly slot: symbol;
}

export function sessionMiddleware(parts: MiddlewareParts): SessionMiddleware {
  const { rules, slot } = parts;
  // One for all requests: with a getter of its own each would have a shape of its own, and be slow.
  const session: PropertyDescriptor = {
    configurable: true,
    get(this: IncomingMessage): unknown {
      return visitOf(this, slot)?.shown;
    },
  };
  return (request, response, next) => {
    const visit = new Visit(request, response, next, parts);
    Reflect.set(request, slot, visit);
    Object.defineProperty(request, "session", session);
    if (rules.load === "lazy") return next();
    const reading = visit.session.prefetch();
    if (rules.load === "prefetch") {
      // A failure is met again by whoever uses the session.
      reading.catch(() => {});
      return next();
    }
    reading.then(() => {
      visit.showEager();
      next();
    }, next);
  };
}

/** The visit that the middleware has made for this request. */
export function visitOf(request: IncomingMessage, slot: symbol): Visit | undefined {
  return Reflect.get(request, slot) as Visit | undefined;
}

/** One request with its session. */
export class Visit {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #failed: (error: unknown) => void;
  readonly #parts: MiddlewareParts;
  #opened: AnySession | undefined;
  #eager: EagerSession | undefined;
  #isUsed = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    failed: (error: unknown) => void,
    parts: MiddlewareParts,
  ) {
    this.#request = request;
    this.#response = response;
    this.#failed = failed;
    this.#parts = parts;
  }

  get session(): AnySession {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** What the request shows as its `session`. */
  get shown(): AnySession | EagerSession {
    if (this.#eager === undefined) return this.session;
    // Whoever looks at the fields has used the session: that cannot be seen otherwise.
    this.#isUsed = true;
    return this.#eager;
  }

  showEager(): void {
    this.#eager = new EagerSession(this.session);
  }

  #open(): AnySession {
    holdResponse(this.#response, {
      beforeHead: () => this.#finish(false),
      beforeEnd: () => this.#finish(true),
      failed: this.#failed,
    });
    return this.#parts.open(this.#request);
  }

  /** What is to be done before the answer goes on. @param isHeadSent too late for a cookie. */
  #finish(isHeadSent: boolean): Promise<void> | undefined {
    const { session } = this;
    if (this.#eager === undefined ? !session.isTouched : !this.#isUsed) return undefined;
    if (!isHeadSent) markVarying(this.#response);
    const isTooLate = isHeadSent && isCookieStore(this.#parts.rules.store);
    try {
      if (this.#eager !== undefined) collect(this.#eager);
      if (isTooLate && (session.isDirty || session.isCookieDue)) throw sentAlready();
      const writing = session.commitChanges();
      if (writing !== undefined) return writing.then(() => this.#mark(isHeadSent));
    } catch (error) {
      return Promise.reject(error);
    }
    if (!isTooLate) session.noteUse();
    this.#mark(isHeadSent);
    return undefined;
  }

  #mark(isHeadSent: boolean): void {
    const cookie = this.session.takeCookie();
    if (cookie === undefined) return;
    if (!isHeadSent) {
      markSettingCookie(this.#request, this.#response, cookie, this.#parts.rules.cookie.secure);
      return;
    }
    process.emitWarning(
      `a session was begun or ended after the head of the answer to ${this.#request.method} was sent: its cookie is lost`,
      { code: "HEADROOM_SESSION_LATE" },
    );
  }
}
