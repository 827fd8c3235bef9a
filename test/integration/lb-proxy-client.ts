/** A client of bare bytes: it writes exactly what it is told to, and reads answers to the letter. */

import { connect } from "node:net";
import { Malformed, type Read, readAnswer, type WireAnswer } from "./lb-proxy-wire.ts";

/** What a client writes, as latin1. A list: what follows is written when an answer (or a 1xx) came. */
export type Writes = string | readonly string[];

export interface Conversation {
  /** The methods of the requests, in order: an answer cannot be read without. The last one repeats. */
  readonly methods?: readonly string[] | undefined;
  /** With so many answers the client is content, and ends the connection. @default never */
  readonly enough?: number | undefined;
  /** @default "whole" */
  readonly writing?: "whole" | "byte by byte" | undefined;
  /** The client says that it will write no more. */
  readonly halfCloses?: boolean | undefined;
  /** @default 5_000 */
  readonly patienceMs?: number | undefined;
}

export interface Heard {
  /** Final ones that came whole. */
  readonly answers: readonly WireAnswer[];
  /** 1xx. */
  readonly interim: readonly WireAnswer[];
  /** What came after them, the beginning of an answer. */
  readonly rest: string;
  /** Everything, as latin1. */
  readonly received: string;
  /** Why what came is no answer. */
  readonly malformed: string | undefined;
  /** How it ended. `waiting`: neither an answer nor an end within the client's patience. */
  readonly end: "content" | "closed" | "reset" | "waiting";
}

/** Says it, and resolves when the connection has ended or the client has heard enough. */
export function converse(port: number, writes: Writes, talk: Conversation = {}): Promise<Heard> {
  const { methods = ["GET"], enough = Number.POSITIVE_INFINITY, patienceMs = 5_000 } = talk;
  const pieces = [writes].flat();
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const reader = new AnswerReader(methods);
    const over = (end: Heard["end"]): void => {
      clearTimeout(timer);
      if (end === "closed") reader.finish();
      resolve({ ...reader.heard, end });
      socket.destroy();
    };
    const timer = setTimeout(over, patienceMs, "waiting");
    const writeNext = async (): Promise<void> => {
      const piece = pieces.shift();
      if (piece === undefined) return;
      if (talk.writing !== "byte by byte") socket.write(piece, "latin1");
      else for (const byte of piece) await written(socket, byte);
      if (pieces.length === 0 && talk.halfCloses === true) socket.end();
    };
    socket.setEncoding("latin1");
    socket.once("connect", () => void writeNext());
    socket.on("data", (chunk) => {
      const before = reader.count;
      reader.take(String(chunk));
      if (reader.heard.answers.length >= enough && pieces.length === 0) over("content");
      else if (reader.count > before) void writeNext();
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      // An answer may have come before our next byte met a closed connection.
      over(code === "ECONNRESET" ? "reset" : "closed"),
    );
    socket.once("end", () => over("closed"));
    socket.once("close", () => over("closed"));
  });
}

/** One event loop turn for each, so that each is a segment of its own. */
function written(socket: { write(byte: string, encoding: "latin1"): boolean }, byte: string) {
  socket.write(byte, "latin1");
  return new Promise<void>((resolve) => setImmediate(resolve));
}

class AnswerReader {
  readonly #methods: readonly string[];
  readonly #answers: WireAnswer[] = [];
  readonly #interim: WireAnswer[] = [];
  #received = "";
  #readUpTo = 0;
  #malformed: string | undefined;

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  get count(): number {
    return this.#answers.length + this.#interim.length;
  }

  get heard(): Omit<Heard, "end"> {
    return {
      answers: this.#answers,
      interim: this.#interim,
      rest: this.#received.slice(this.#readUpTo),
      received: this.#received,
      malformed: this.#malformed,
    };
  }

  take(chunk: string): void {
    this.#received += chunk;
    this.#read(false);
  }

  finish(): void {
    if (this.#readUpTo < this.#received.length) this.#read(true);
  }

  #read(isClosed: boolean): void {
    if (this.#malformed !== undefined) return;
    try {
      for (let next = this.#next(isClosed); next !== undefined; next = this.#next(isClosed)) {
        this.#readUpTo = next.end;
        (next.message.status < 200 ? this.#interim : this.#answers).push(next.message);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#malformed = error.message;
    }
  }

  #next(isClosed: boolean): Read<WireAnswer> | undefined {
    if (this.#readUpTo >= this.#received.length) return undefined;
    const method = this.#methods[this.#answers.length] ?? this.#methods.at(-1) ?? "GET";
    return readAnswer(this.#received, this.#readUpTo, method, isClosed);
  }
}
