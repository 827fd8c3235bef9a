/**
 * A stream as a body that may be sent again: what is read of it is kept while it is small.
 *
 * The states of the source, and who may do what in them:
 *
 *     unread ──first demand──▶ reading ──▶ ended     complete: sent from memory, as often as needed
 *                                 └──────▶ broken    its error is the client's; never sent again
 *     any ──release──▶ released                      nothing is kept
 *
 * An attempt's stream may be destroyed by undici, or left where it is; both must leave the source
 * as it was. So the source never feeds an attempt by itself (`pipe` would tie their ends together):
 * it is resumed when the attempt asks for more and paused when it has enough, or is gone.
 */

import { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { AttemptBody, ReplayableBody } from "./replayable-body.ts";

type SourceState = "unread" | "reading" | "ended" | "broken" | "released";

/** What can be read once, and is kept while it is small. */
export class ReplayedStream implements ReplayableBody {
  readonly length: number | undefined;
  readonly #source: Readable;
  readonly #maxBytes: number;
  /** All that was read so far; `undefined` once an attempt has had more than `maxBytes`. */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #state: SourceState = "unread";
  #error: unknown;
  /** The attempt that reads. */
  #reader: AttemptStream | undefined;

  constructor(source: Readable, maxBytes: number, length: number | undefined) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.length = length;
    source.on("error", this.#broke).once("close", this.#closed);
    if (source.readableEnded) this.#state = "ended";
    else if (source.destroyed) this.#closed();
  }

  get replayable(): boolean {
    return this.#kept !== undefined && this.#state !== "broken" && this.#state !== "released";
  }

  get complete(): boolean {
    return this.#kept !== undefined && this.#state === "ended";
  }

  get error(): unknown {
    return this.#error;
  }

  open(): AttemptBody {
    const kept = this.#kept;
    if (kept === undefined || !this.replayable) throw new Error(NOT_REPLAYABLE);
    this.#endReader();
    if (this.#state === "ended") return this.#whole(kept);
    const reader = new AttemptStream(this.#demanded, this.#left);
    this.#reader = reader;
    for (const chunk of kept) reader.push(chunk);
    if (this.#keptBytes > this.#maxBytes) this.#kept = undefined;
    return reader;
  }

  release(reason?: Error): void {
    if (this.#state === "released") return;
    const isOpen = this.#isOpen;
    this.#state = "released";
    this.#kept = undefined;
    this.#endReader();
    this.#source.off("data", this.#received).off("end", this.#ended);
    // To destroy a request that came in would close its connection before it is answered; Node
    // reads and discards what is left of it.
    if (isOpen && !(this.#source instanceof IncomingMessage)) this.#source.destroy(reason);
  }

  /** Whether more may come. */
  get #isOpen(): boolean {
    return this.#state === "unread" || this.#state === "reading";
  }

  #read(): void {
    if (this.#state === "unread") {
      this.#state = "reading";
      this.#source.on("data", this.#received).once("end", this.#ended);
    }
    if (this.#state === "reading") this.#source.resume();
  }

  readonly #received = (data: Uint8Array | string): void => {
    const chunk = bufferOf(data);
    this.#keep(chunk);
    if (!this.#reader?.push(chunk)) this.#source.pause();
  };

  #keep(chunk: Buffer): void {
    if (this.#kept === undefined) return;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.byteLength;
    // What no attempt has had yet must stay for the next one.
    if (this.#keptBytes > this.#maxBytes && this.#reader !== undefined) this.#kept = undefined;
  }

  /** In one piece, for as many attempts as there may be. */
  #whole(kept: Buffer[]): Buffer {
    const [only] = kept;
    if (kept.length === 1 && only !== undefined) return only;
    const whole = Buffer.concat(kept, this.#keptBytes);
    this.#kept = [whole];
    return whole;
  }

  /** The attempt has room for more. */
  readonly #demanded = (reader: AttemptStream): void => {
    if (this.#reader === reader) this.#read();
  };

  /** The attempt is over. Another one may want the rest. */
  readonly #left = (reader: AttemptStream): void => {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    if (this.#state === "reading") this.#source.pause();
  };

  readonly #ended = (): void => {
    this.#state = "ended";
    this.#reader?.push(null);
  };

  /** Every source closes; an error is made only if it was too early. */
  readonly #closed = (): void => {
    if (this.#isOpen) this.#broke(new Error("the body ended before its end"));
  };

  readonly #broke = (error: Error): void => {
    if (!this.#isOpen) return;
    this.#state = "broken";
    this.#error = error;
    this.#kept = undefined;
    this.#reader?.destroy(error);
  };

  #endReader(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.destroy();
  }
}

const NOT_REPLAYABLE = "the body was read and not kept, or its request is over: ask `replayable`";

type Call = (reader: AttemptStream) => void;

/** The body as one attempt reads it. */
class AttemptStream extends Readable {
  readonly #demand: Call;
  readonly #leave: Call;

  constructor(demand: Call, leave: Call) {
    super();
    this.#demand = demand;
    this.#leave = leave;
    // undici stops listening when its request is over; the client may break off later.
    this.on("error", ignore);
  }

  override _read(): void {
    this.#demand(this);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#leave(this);
    done(error);
  }
}

function ignore(): void {}

function bufferOf(data: Uint8Array | string): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
