/**
 * Who waits for the answer, spoken to in one way.
 *
 * undici knows two kinds of handler: the newer one gets a controller and headers as an object, the
 * older one raw headers and functions. All of undici's own (`request`, `fetch`, `stream`, `pipeline`,
 * `upgrade`, `connect`) are of the older kind, and so is what its connections speak. So that is spoken
 * here from end to end: headers then pass as they are, unparsed. A handler of the newer kind gets a
 * {@link ModernCaller} in front, which parses them once.
 *
 * Both get a way to abort, pause and resume that holds for the whole request, whichever attempt it is at.
 */

import type { Duplex } from "node:stream";
import { type Dispatcher, errors, util } from "undici";

/** Headers as they came: name, value, name, value. */
export type RawHeaders = Buffer[];

/** The older kind of handler: what undici calls, and what it calls it with. */
export interface Caller {
  /** `context` is passed on to the application: see `RequestContext`. */
  onConnect(abort: (reason?: Error | null) => void, context: object): void;
  onResponseStarted?(): void;
  onBodySent?(chunk: Buffer): void;
  onRequestSent?(): void;
  /** `false` asks for a pause, which `resume` ends. Called for each 1xx, too. */
  onHeaders(
    statusCode: number,
    headers: RawHeaders,
    resume: () => void,
    statusText: string,
  ): boolean | undefined;
  /** `false` asks for a pause. */
  onData(chunk: Buffer): boolean | undefined;
  /** HTTP/2 gives the trailers as an object. */
  onComplete(trailers: RawHeaders | object): void;
  onUpgrade(statusCode: number, headers: RawHeaders, socket: Duplex): void;
  onError(error: Error): void;
}

/**
 * The handler that undici was given, as a {@link Caller}.
 * @throws InvalidArgumentError `UND_ERR_INVALID_ARG` when it is no handler.
 */
export function callerOf(handler: Dispatcher.DispatchHandler): Caller {
  if (typeof handler !== "object" || handler === null) {
    throw new errors.InvalidArgumentError("handler must be an object");
  }
  if (typeof handler.onRequestStart === "function") return new ModernCaller(handler);
  if (isOlder(handler)) return handler;
  throw new errors.InvalidArgumentError(
    "handler must have onRequestStart, or onConnect and onError",
  );
}

/** As far as undici checks it. */
function isOlder(
  handler: Dispatcher.DispatchHandler,
): handler is Dispatcher.DispatchHandler & Caller {
  return typeof handler.onConnect === "function" && typeof handler.onError === "function";
}

class ModernCaller implements Caller {
  readonly #handler: Dispatcher.DispatchHandler;
  #controller: Controller | undefined;

  constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler;
  }

  onConnect(abort: (reason: Error) => void, context: object): void {
    const controller = new Controller(abort);
    this.#controller = controller;
    this.#handler.onRequestStart?.(controller, context);
  }

  onHeaders(
    statusCode: number,
    headers: RawHeaders,
    resume: () => void,
    statusText: string,
  ): boolean {
    const controller = this.#started();
    controller.rawHeaders = headers;
    controller.resumeWith = resume;
    this.#handler.onResponseStart?.(controller, statusCode, util.parseHeaders(headers), statusText);
    return !controller.paused;
  }

  onData(chunk: Buffer): boolean {
    const controller = this.#started();
    this.#handler.onResponseData?.(controller, chunk);
    return !controller.paused;
  }

  onComplete(trailers: RawHeaders | object): void {
    const controller = this.#started();
    const isRaw = Array.isArray(trailers);
    if (isRaw) controller.rawTrailers = trailers;
    this.#handler.onResponseEnd?.(
      controller,
      isRaw ? util.parseHeaders(trailers) : { ...trailers },
    );
  }

  onUpgrade(statusCode: number, headers: RawHeaders, socket: Duplex): void {
    const controller = this.#started();
    controller.rawHeaders = headers;
    this.#handler.onRequestUpgrade?.(controller, statusCode, util.parseHeaders(headers), socket);
  }

  onError(error: Error): void {
    if (this.#handler.onResponseError === undefined) {
      throw new errors.InvalidArgumentError("handler must have onResponseError");
    }
    this.#handler.onResponseError(this.#started(), error);
  }

  #started(): Controller {
    if (this.#controller === undefined) throw new Error("an event before onConnect");
    return this.#controller;
  }
}

/** Its methods may be replaced by whoever holds it: undici's `dump` interceptor does so. */
class Controller implements Dispatcher.DispatchController {
  rawHeaders: RawHeaders | null = null;
  rawTrailers: RawHeaders | null = null;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  /** Resumes the attempt that answers; none does yet. */
  resumeWith: (() => void) | undefined;
  readonly #abort: (reason: Error) => void;

  constructor(abort: (reason: Error) => void) {
    this.#abort = abort;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumeWith?.();
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#abort(reason);
  }
}
