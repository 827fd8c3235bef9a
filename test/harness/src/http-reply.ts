import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpBehaviour, Moment, SlowBody, WhoAnswered } from "./http-behaviour.ts";

/** How a request ended: by a whole reply, by our reset, or by the client's leaving. */
export type ReplyEnd = "answered" | "reset" | "aborted";

/** A reset may overtake the bytes before it: the client gets time to read the half it was sent. */
const RESET_AFTER_MS = 20;

/** One reply, in small steps of which at most one is waiting; the client's leaving cancels it. */
export class HttpReply {
  readonly #response: ServerResponse;
  readonly #behaviour: HttpBehaviour;
  readonly #body: Buffer;
  #timer: NodeJS.Timeout | undefined;
  #end: (how: ReplyEnd) => void = () => {};

  constructor(options: {
    request: IncomingMessage;
    response: ServerResponse;
    behaviour: HttpBehaviour;
    backend: string;
  }) {
    const { request, response, behaviour, backend } = options;
    const { method = "", url: path = "" } = request;
    const who: WhoAnswered = { backend, pid: process.pid, method, path };
    this.#response = response;
    this.#behaviour = behaviour;
    this.#body = Buffer.from(behaviour.body ?? JSON.stringify(who));
  }

  /** Resolves when there is nothing more to come, which with a hang is when the client leaves. */
  play(): Promise<ReplyEnd> {
    const ended = new Promise<ReplyEnd>((resolve) => {
      this.#end = resolve;
    });
    this.#response.once("close", () => {
      clearTimeout(this.#timer);
      this.#end(this.#response.writableFinished ? "answered" : "aborted");
    });
    const { delayMs = 0 } = this.#behaviour;
    if (delayMs > 0) this.#after(delayMs, () => this.#begin());
    else this.#begin();
    return ended;
  }

  #begin(): void {
    const { hang, reset, slowBody } = this.#behaviour;
    if (slowBody) this.#drip(slowBody);
    else if (hang) this.#goUntil(hang);
    else if (reset) this.#resetAt(reset);
    else this.#whole();
  }

  #whole(): void {
    this.#head(this.#body.length);
    this.#response.end(this.#body);
  }

  #goUntil(moment: Moment): void {
    if (moment === "before-headers") return;
    this.#head(this.#body.length);
    this.#response.flushHeaders();
    this.#response.write(this.#body.subarray(0, this.#body.length / 2));
  }

  #resetAt(moment: Moment): void {
    this.#goUntil(moment);
    if (moment === "before-headers") this.#reset();
    else this.#after(RESET_AFTER_MS, () => this.#reset());
  }

  #reset(): void {
    // First the count, then the reset: a client that has seen it may ask for the count at once.
    this.#end("reset");
    this.#response.socket?.resetAndDestroy();
  }

  #drip({ chunkBytes, everyMs, chunks }: SlowBody["slowBody"]): void {
    const chunk = Buffer.alloc(chunkBytes, "x");
    this.#head(chunkBytes * chunks);
    const send = (left: number): void => {
      if (left === 1) {
        this.#response.end(chunk);
        return;
      }
      this.#response.write(chunk);
      this.#after(everyMs, () => send(left - 1));
    };
    send(chunks);
  }

  #head(bytes: number): void {
    const { status = 200, body, slowBody, headers } = this.#behaviour;
    const hasBody = status !== 204 && status !== 304;
    const type = body === undefined && !slowBody ? "application/json" : "text/plain";
    const described = hasBody ? { "content-type": type, "content-length": bytes } : {};
    this.#response.writeHead(status, { ...described, ...headers });
  }

  #after(delayMs: number, step: () => void): void {
    this.#timer = setTimeout(step, delayMs);
  }
}
