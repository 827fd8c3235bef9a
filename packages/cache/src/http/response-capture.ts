/**
 * Sees what a handler answers while it is sent.
 *
 * The client gets every byte when the handler writes it. `answered` is asked once, when the status
 * and headers are final and nothing has been sent, and decides: the body is kept as well, or only
 * passes, or is *replaced*: then the handler talks to nobody, and something else is sent.
 * What grows past the limit is not kept. A client that leaves does not end the capture: the handler
 * may finish what others wait for.
 */

import type { ServerResponse } from "node:http";
import type { Clock } from "@headroom/core/clock";
import type { Answer } from "./stored-response.ts";

export type Decision = "keep" | "pass" | "replace";

export interface CaptureRules {
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  /** Called once. It may still set headers. */
  readonly answered: (answer: Answer) => Decision;
  /** Called once: the complete body; undefined: it is not kept, too large, or was cut off. */
  readonly ended: (answer: Answer | undefined, body: Uint8Array | undefined) => void;
}

/** Writes past the capture: what goes to the client instead of the handler's answer. */
export interface DirectResponse {
  writeHead(status: number): void;
  end(body?: Uint8Array): void;
}

type AnyMethod = (...parameters: unknown[]) => unknown;

/** How long a handler whose client has left may take to finish. */
const AFTER_CLOSE_MS = 5_000;

/** Begins to watch; ends by itself with the response. */
export function captureResponse(response: ServerResponse, rules: CaptureRules): DirectResponse {
  const original = {
    writeHead: response.writeHead as AnyMethod,
    write: response.write as AnyMethod,
    end: response.end as AnyMethod,
  };
  const body = new BoundedBody(rules.maxBodyBytes);
  let answer: Answer | undefined;
  let decision: Decision | undefined;
  let isOver = false;

  const finish = (kept: Uint8Array | undefined): void => {
    if (isOver) return;
    isOver = true;
    rules.ended(answer, kept);
  };
  const decide = (status: number): Decision => {
    if (decision === undefined) {
      answer = { status, headers: headersOf(response) };
      decision = rules.answered(answer);
      if (decision !== "keep") finish(undefined);
    }
    return decision;
  };
  const take = (chunk: unknown, encoding: unknown): void => {
    if (isOver || body.add(chunk, encoding)) return;
    finish(undefined);
  };
  const call = (method: AnyMethod, parameters: unknown[]): unknown =>
    method.apply(response, parameters);

  const watched: Record<keyof typeof original, AnyMethod> = {
    writeHead(status, ...rest) {
      const [reason, given] =
        typeof rest[0] === "string" ? [rest[0], rest[1]] : [undefined, rest[0]];
      // Headers given here become headers like all others, so that they are seen.
      setAll(response, given);
      if (decide(Number(status)) === "replace") return response;
      return call(original.writeHead, reason === undefined ? [status] : [status, reason]);
    },
    write(chunk, ...rest) {
      if (!response.headersSent && decide(response.statusCode) !== "replace") {
        call(watched.writeHead, [response.statusCode]);
      }
      if (decision === "replace") return swallow(rest);
      take(chunk, rest[0]);
      return call(original.write, [chunk, ...rest]);
    },
    end(chunk, ...rest) {
      if (decide(response.statusCode) === "replace") {
        swallow([chunk, ...rest]);
        return response;
      }
      take(chunk, rest[0]);
      const isComplete = !isOver;
      const ended = call(original.end, [chunk, ...rest]);
      if (isComplete) finish(body.bytes());
      return ended;
    },
  };
  Object.assign(response, watched);
  response.once("close", () => {
    if (!isOver) rules.clock.timer(() => finish(undefined), AFTER_CLOSE_MS);
  });
  return {
    writeHead: (status) => void call(original.writeHead, [status]),
    end: (bytes) => void call(original.end, bytes === undefined ? [] : [bytes]),
  };
}

/** A body up to a limit. */
class BoundedBody {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns false when it has grown too large. */
  add(chunk: unknown, encoding: unknown): boolean {
    if (chunk === undefined || chunk === null || typeof chunk === "function") return true;
    const taken =
      typeof chunk === "string"
        ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
        : Buffer.from(chunk as Uint8Array);
    this.#length += taken.length;
    if (this.#length <= this.#maxBytes) this.#chunks.push(taken);
    else this.#chunks.length = 0;
    return this.#length <= this.#maxBytes;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

/** What a handler writes to nobody: its callbacks are called all the same. */
function swallow(parameters: readonly unknown[]): true {
  const callback = parameters.find((parameter) => typeof parameter === "function");
  if (typeof callback === "function") queueMicrotask(() => callback());
  return true;
}

function setAll(response: ServerResponse, given: unknown): void {
  if (given === undefined || given === null) return;
  if (Array.isArray(given)) {
    const pairs = Array.isArray(given[0]) ? (given as unknown[][]).flat() : given;
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      response.appendHeader(String(pairs[index]), pairs[index + 1] as string);
    }
    return;
  }
  for (const [name, value] of Object.entries(given as Record<string, unknown>)) {
    if (value !== undefined) response.setHeader(name, value as string);
  }
}

function headersOf(response: ServerResponse): Record<string, string | string[]> {
  const entries = Object.entries(response.getHeaders()).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [[name, Array.isArray(value) ? value.map(String) : String(value)] as const],
  );
  return Object.fromEntries(entries);
}
