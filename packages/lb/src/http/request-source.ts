/**
 * What is sent, attempt after attempt.
 *
 * The options of a request go to undici as they are, as long as one attempt is all it takes. A body
 * that is in memory can be sent any number of times. A stream can be sent once; it is wrapped so that
 * its beginning is kept (`replayable-body`) only if the request may be repeated at all. But also a
 * stream that nobody has read from yet is as good as new: when no connection could be made, even an
 * upload goes to the next target.
 */

import type { Dispatcher } from "undici";
import { type ReplayableBody, replayableBody } from "./replayable-body.ts";
import { isRepeatable } from "./retry-rules.ts";
import type { RoutingDispatchOptions } from "./routing.ts";

export class RequestSource {
  readonly options: RoutingDispatchOptions;
  /** Whether sending it twice does what sending it once does. */
  readonly isRepeatable: boolean;
  readonly #isInMemory: boolean;
  #replay: ReplayableBody | undefined;
  #wasOpened = false;

  /** @param maxAttempts when 1, nothing is kept. */
  constructor(options: RoutingDispatchOptions, maxAttempts: number) {
    const { body, method, idempotent } = options;
    this.options = options;
    this.#isInMemory = body == null || typeof body === "string" || ArrayBuffer.isView(body);
    this.isRepeatable =
      idempotent ?? isRepeatable(method, this.#mayCarryKey && hasIdempotencyKey(options.headers));
    if (this.#isInMemory || maxAttempts === 1 || !this.isRepeatable) return;
    this.#replay = replayableBody(body);
  }

  /** For the next attempt. The one before it, if any, is over. */
  next(): Dispatcher.DispatchOptions {
    // undici types methods as a list of known ones, open at the end.
    const options = this.options as Dispatcher.DispatchOptions;
    return this.#replay === undefined ? options : { ...options, body: this.#replay.open() };
  }

  /** undici has begun to send it. */
  sent(): void {
    this.#wasOpened = true;
  }

  /** Whether the body can be sent from its beginning, now that an attempt has failed. */
  get isReplayable(): boolean {
    if (this.#isInMemory) return true;
    return this.#replay === undefined ? !this.#wasOpened : this.#replay.replayable;
  }

  /** Whether a second attempt may be sent beside the first. */
  get isHedgeable(): boolean {
    return this.isRepeatable && (this.#isInMemory || this.#replay?.complete === true);
  }

  /** Whether `error` is the failure of the body's own source: the caller's, not the target's. */
  isOwn(error: unknown): boolean {
    const { body } = this.options;
    if (this.#replay !== undefined) return this.#replay.error !== undefined;
    return body != null && typeof body === "object" && "errored" in body && body.errored === error;
  }

  /** Why it cannot be sent from its beginning. */
  get error(): Error {
    const error = this.#replay?.error;
    return error instanceof Error
      ? error
      : new Error("the body of the request cannot be sent again");
  }

  /** The request is over: what is left of the body is let go. */
  release(reason: Error | undefined): void {
    this.#replay?.release(reason);
  }

  /** Methods that are idempotent anyway need no key; reading headers costs. */
  get #mayCarryKey(): boolean {
    const { method } = this.options;
    return method !== "GET" && method !== "HEAD";
  }
}

const KEY = "idempotency-key";

/** In any of the forms in which undici takes headers. */
function hasIdempotencyKey(headers: Dispatcher.DispatchOptions["headers"]): boolean {
  if (headers == null) return false;
  if (Array.isArray(headers)) {
    return headers.some((item, at) => isKey(Array.isArray(item) ? item[0] : at % 2 === 0 && item));
  }
  if (Symbol.iterator in headers) {
    for (const [name] of headers as Iterable<[string, unknown]>) if (isKey(name)) return true;
    return false;
  }
  return Object.keys(headers).some(isKey);
}

function isKey(name: unknown): boolean {
  return typeof name === "string" && name.length === KEY.length && name.toLowerCase() === KEY;
}
