/**
 * The body of a client's request, on its way to a target.
 *
 * undici takes a stream for its own: it destroys it when the request is over, however it ended. Given
 * the client's request itself, that would take the connection along. A target that answers "413 Too
 * Large" after the first bytes would leave its client with a socket that nobody reads any more: the
 * client writes on until its buffers are full, and then waits for good. So undici gets a stream of its
 * own, and whatever that has left over is read and thrown away, at the pace at which it comes; a
 * client that reads its answer only after it has written all gets it, and its connection goes on.
 *
 * A **short** body whose length is announced is read before a target is asked. Then a slow client
 * occupies no target while it types, and the body can be sent as often as it takes. nginx does the
 * same (`proxy_request_buffering`).
 *
 * Trailers of a request are not passed on: undici cannot send them. RFC 9110 §6.5.1 allows to drop them.
 */

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Up to here a body is short: as much as may be kept to be sent again. */
export const SHORT_BODY_BYTES = 65_536;

/**
 * Reads a body whose length is known and short. A client that goes away before its end is not told of
 * here.
 */
export function readShortBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.once("end", () => {
    const [only] = chunks;
    done(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
  });
}

/** There was more of it than allowed. */
export class BodyTooLarge extends Error {}

/** A body that is passed on as it comes. It fails with {@link BodyTooLarge} when that is too much. */
export class Upload extends Readable {
  readonly #request: IncomingMessage;
  #isReading = false;
  /** How much may still come, in bytes. */
  #left: number;

  constructor(request: IncomingMessage, maxBytes: number = Number.POSITIVE_INFINITY) {
    super();
    this.#request = request;
    this.#left = maxBytes;
    request.once("close", this.#closed);
    // undici stops listening when its request is over; the client may break off later.
    this.on("error", ignore);
  }

  override _read(): void {
    if (!this.#isReading) {
      this.#isReading = true;
      this.#request.on("data", this.#received).once("end", this.#ended);
    }
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const request = this.#request;
    request.off("data", this.#received).off("end", this.#ended).off("close", this.#closed);
    request.resume();
    done(error);
  }

  readonly #received = (chunk: Buffer): void => {
    this.#left -= chunk.length;
    if (this.#left < 0) {
      this.destroy(new BodyTooLarge());
      return;
    }
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #ended = (): void => {
    this.push(null);
  };

  readonly #closed = (): void => {
    if (this.#request.readableEnded) return;
    this.destroy(new DOMException("the client closed before the end of its request", "AbortError"));
  };
}

function ignore(): void {}
