/**
 * What a target's answer becomes on its way to the client.
 *
 * A handler of undici that writes into a `ServerResponse`, in the form that undici itself speaks
 * (raw headers, no objects): nothing is parsed, copied or buffered that need not be.
 *
 * - Backpressure: when the client reads slowly, the target's socket is paused until it has.
 * - Whoever goes away first ends the other: a client that closes aborts the request at its target; a
 *   target that breaks off in the middle costs the client its connection, since a short body that
 *   ends well would be taken for the whole.
 * - Before the first byte, a failure is a status: 502, 503, 504.
 * - Headers go out at once, also when no body follows for now, as with server-sent events.
 */

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import { refuseAnswerHeaders } from "./header-rules.ts";
import { stripAnswerHeaders } from "./hop-by-hop.ts";
import { writeInterim } from "./interim-answer.ts";
import { failureOf, statusOf, writeFailure } from "./proxy-failure.ts";
import type { ProxyRules } from "./proxy-options.ts";
import { type Refusal, refusalError } from "./refusal.ts";
import type { AnswerContext } from "./routing.ts";
import { clientTrailers } from "./trailers.ts";

export class ProxiedAnswer implements Dispatcher.DispatchHandler {
  protected readonly request: IncomingMessage;
  protected readonly response: ServerResponse;
  protected readonly rules: ProxyRules;
  #state: "waiting" | "headers" | "body" | "over" = "waiting";
  #context: AnswerContext | undefined;
  #abort: ((reason: Error) => void) | undefined;
  #resume: (() => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, rules: ProxyRules) {
    this.request = request;
    this.response = response;
    this.rules = rules;
    response.on("close", this.#closed);
  }

  /** The client has gone, or has its answer. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  onConnect(abort: (reason?: Error) => void, context?: AnswerContext): void {
    this.#abort = abort;
    this.#context = context;
    if (this.isOver) abort(clientGone(this.rules.pool));
  }

  onHeaders(
    statusCode: number,
    rawHeaders: Buffer[],
    resume: () => void,
    statusText: string,
  ): boolean {
    const { response } = this;
    if (this.#state !== "waiting") return true;
    if (response.headersSent || response.destroyed) return this.#leave();
    if (statusCode >= 100 && statusCode < 200) {
      writeInterim(this.request, response, statusCode, rawHeaders);
      return true;
    }
    const headers = this.takeHeaders(statusCode, rawHeaders);
    if (headers === undefined) return false;
    this.#resume = resume;
    response.writeHead(statusCode, reasonOf(statusCode, statusText), headers);
    if (statusCode === 204 || statusCode === 304) return this.#end();
    this.#state = "headers";
    process.nextTick(flushHeaders, this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    const { response } = this;
    if (this.isOver || response.destroyed) return true;
    this.#state = "body";
    if (response.write(chunk)) return true;
    response.once("drain", this.#drained);
    return false;
  }

  onComplete(trailers: Buffer[] | string[] | object | null): void {
    if (this.isOver) return;
    const kept = clientTrailers(trailers);
    // Only a chunked answer has a place for them; on any other, Node leaves them out.
    if (kept !== undefined) this.response.addTrailers(kept);
    this.#end();
  }

  onError(error: Error): void {
    if (!this.isOver) this.fail(error);
  }

  /** Tells the client that nothing came of it. */
  fail(error: unknown, statusCode: number = statusOf(error)): void {
    const { response, request } = this;
    this.#state = "over";
    if (response.headersSent || response.destroyed) {
      breakOff(request, response);
      return;
    }
    const { pool, onError } = this.rules;
    response.statusCode = statusCode;
    if (onError === undefined) {
      writeFailure(response, statusCode);
      return;
    }
    try {
      onError(failureOf(error, pool, this.#context?.target), request, response);
    } catch (thrown) {
      // Here nobody is left to catch it: undici would take it for a failure of its connection.
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
      if (response.headersSent) breakOff(request, response);
      else writeFailure(response, 500);
    }
  }

  /** Sends headers that wait for a body, if it has not come meanwhile. */
  flush(): void {
    if (this.#state === "headers") this.response.flushHeaders();
  }

  /** The headers for the client; `undefined` when the answer is refused, which it is then told. */
  protected takeHeaders(statusCode: number, raw: readonly Buffer[]): string[] | undefined {
    const { forwarding, sticky } = this.rules;
    const refusal = statusCode < 100 ? NO_STATUS : refuseAnswerHeaders(raw);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return undefined;
    }
    const headers = stripAnswerHeaders(raw);
    if (statusCode === 204) dropLength(headers);
    forwarding.appendAnswerVia(headers, "1.1");
    const target = this.#context?.target;
    if (sticky !== undefined && target !== undefined) {
      const cookie = sticky.setCookie(this.request.rawHeaders, target);
      if (cookie !== undefined) headers.push("set-cookie", cookie);
    }
    return headers;
  }

  /** Takes what the target answered for no answer. */
  protected refuse(refusal: Refusal): void {
    const { pool } = this.rules;
    const error = refusalError(refusal, { pool, target: this.#context?.target });
    this.fail(error, refusal.statusCode);
    this.#abort?.(error);
  }

  /** Nothing more is written here: the client's connection is somebody else's. */
  protected handOver(): void {
    this.#state = "over";
  }

  #end(): boolean {
    this.#state = "over";
    this.response.end();
    return true;
  }

  /** Somebody else has answered, or nobody is there to be answered. */
  #leave(): boolean {
    this.#state = "over";
    this.#abort?.(clientGone(this.rules.pool));
    return true;
  }

  readonly #drained = (): void => this.#resume?.();

  readonly #closed = (): void => {
    if (!this.isOver) this.#leave();
  };
}

function flushHeaders(answer: ProxiedAnswer): void {
  answer.flush();
}

const NO_STATUS: Refusal = {
  reason: "answer-header",
  statusCode: 502,
  message: "the status of the answer is none",
};

/** The reason for which a request at a target is aborted when its client has closed. */
export function clientGone(pool: string): Error {
  return new DOMException(`the client of load balancer "${pool}" has closed`, "AbortError");
}

/** What the target wrote beside the status, unless it cannot be written again. */
function reasonOf(statusCode: number, text: string): string {
  const usual = STATUS_CODES[statusCode] ?? "";
  return text === usual || !/^[\t\x20-\x7e]*$/.test(text) ? usual : text;
}

/** A 204 has no body, whatever it says (RFC 9110 §8.6). */
function dropLength(headers: string[]): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (headers[index]?.toLowerCase() === "content-length") headers.splice(index, 2);
  }
}

/**
 * Ends an answer that has begun so that its client cannot take it for whole. A closed connection
 * says so where the length was announced or chunks come; over HTTP/1.0 a body may end with
 * its connection, and only a reset tells the difference.
 */
function breakOff(request: IncomingMessage, response: ServerResponse): void {
  const socket = response.socket as Socket | null;
  const endsWithConnection = request.httpVersionMajor === 1 && request.httpVersionMinor === 0;
  if (endsWithConnection && socket !== null && !("encrypted" in socket)) socket.resetAndDestroy();
  response.destroy();
}
