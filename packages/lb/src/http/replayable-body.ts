/**
 * A request's body that may have to be sent more than once.
 *
 * Another attempt needs the body from its beginning. What is in memory (nothing, a string, bytes)
 * can be sent as often as needed. A stream can be read once, so what is read of it for the first
 * attempt is also kept, up to `maxBytes`: most bodies are small. A second attempt is given
 * what was kept, and then goes on reading where the first one stopped. Once more than that has been
 * read, what was kept is thrown away and the body is single shot: memory stays bounded, whatever
 * clients send.
 *
 *     source ──data──▶ kept (≤ maxBytes)
 *            └───────▶ the attempt that was opened last, with backpressure
 *
 * One attempt at a time reads the source: `open` takes it away from the one before, which ends
 * without the source noticing. When an attempt fails the source is only paused, because the next one
 * will want the rest; who owns the request says with `release` that there is no next one.
 *
 * Not guaranteed: that the source is valid. If it breaks off, the attempt fails with the source's
 * error, `error` is set, and nobody should try again: it is the client that failed.
 *
 * Source: the limit of 64 KiB is linkerd2-proxy's (`http/retry.rs`), its `ReplayBody` the model.
 */

import { Readable } from "node:stream";
import type { Dispatcher, FormData } from "undici";
import { ReplayedStream } from "./replayed-stream.ts";

export interface ReplayableBodyOptions {
  /**
   * How much of a stream is kept, in bytes.
   * @default 65_536
   */
  readonly maxBytes?: number | undefined;
  /** How long the body is, if known: of a stream, its `Content-Length`. */
  readonly length?: number | undefined;
}

/** What undici takes for a body. */
export type AttemptBody = Exclude<Dispatcher.DispatchOptions["body"], undefined>;

export interface ReplayableBody {
  /** In bytes; `undefined` when not known. */
  readonly length: number | undefined;
  /** Whether `open` gives the whole body (again). */
  readonly replayable: boolean;
  /** Whether all of it is in memory: several attempts may then have it at the same time. */
  readonly complete: boolean;
  /** Why the source broke off; `undefined` if it did not. */
  readonly error: unknown;
  /**
   * The body for one attempt. Ends the stream given out before, if there was one.
   * @throws Error when it is not `replayable`.
   */
  open(): AttemptBody;
  /** The request is over. A source that was not read to its end is destroyed. */
  release(reason?: Error): void;
}

/** Whatever may be given as a body. */
export type BodySource =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | FormData
  | Readable
  | Iterable<unknown>
  | AsyncIterable<unknown>
  | null
  | undefined;

export const MAX_REPLAYED_BYTES = 65_536;

/** @throws TypeError when `body` is nothing that undici could send. */
export function replayableBody(
  body: BodySource,
  options: ReplayableBodyOptions = {},
): ReplayableBody {
  if (body === null || body === undefined || body === "") return NO_BODY;
  if (typeof body === "string") return new ConstantBody(body, Buffer.byteLength(body));
  if (ArrayBuffer.isView(body)) return bytesBody(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return bytesBody(body, 0, body.byteLength);
  if (isFormData(body)) return new ConstantBody(body, undefined);
  const { maxBytes = MAX_REPLAYED_BYTES, length } = options;
  return new ReplayedStream(readableOf(body), maxBytes, length);
}

/** Of undici or of Node, which are two classes. */
function isFormData(body: object): body is FormData {
  return Symbol.toStringTag in body && body[Symbol.toStringTag] === "FormData";
}

function bytesBody(buffer: ArrayBufferLike, offset: number, length: number): ReplayableBody {
  return new ConstantBody(Buffer.from(buffer, offset, length), length);
}

/** What can be sent any number of times as it is. */
class ConstantBody implements ReplayableBody {
  readonly length: number | undefined;
  readonly replayable = true;
  readonly complete = true;
  readonly error = undefined;
  readonly #body: AttemptBody;

  constructor(body: AttemptBody, length: number | undefined) {
    this.#body = body;
    this.length = length;
  }

  open(): AttemptBody {
    return this.#body;
  }

  release(): void {}
}

/** Most requests have none: one object for all of them. */
const NO_BODY: ReplayableBody = new ConstantBody(null, 0);

function readableOf(body: unknown): Readable {
  if (typeof body === "object" && body !== null) {
    if ("pipe" in body && "on" in body) return body as Readable;
    if (Symbol.asyncIterator in body || Symbol.iterator in body) {
      return Readable.from(body as AsyncIterable<unknown>, { objectMode: false });
    }
  }
  throw new TypeError("body must be a string, bytes, a stream, an iterable of bytes, or null");
}
