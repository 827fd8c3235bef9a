import { type Agent, type IncomingMessage, request } from "node:http";
import type { Endpoint } from "./endpoint.ts";
import type { WhoAnswered } from "./http-behaviour.ts";

/** What a client sees of one HTTP exchange, as it goes along; unlike `fetch` also of a broken one. */
export class Exchange {
  status: number | undefined;
  headers: IncomingMessage["headers"] = {};
  body = "";
  chunks = 0;
  /** Whether the reply has come to its proper end. */
  isComplete = false;
  error: string | undefined;
  readonly ended: Promise<this>;
  readonly abort: () => void;

  constructor(to: Endpoint, options: { method?: string; path?: string; agent?: Agent } = {}) {
    const sent = request({ ...to, agent: false, ...options });
    this.abort = () => sent.destroy();
    sent.on("response", (response) => this.#read(response));
    sent.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
    this.ended = new Promise((resolve) => sent.once("close", () => resolve(this)));
    sent.end();
  }

  #read(response: IncomingMessage): void {
    this.status = response.statusCode;
    this.headers = response.headers;
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      this.body += text;
      this.chunks += 1;
    });
    response.on("end", () => {
      this.isComplete = response.complete;
    });
    response.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
  }

  get who(): WhoAnswered {
    return JSON.parse(this.body);
  }
}

/** One GET on a connection of its own, to its end, whatever that is. */
export async function get(to: Endpoint, path = "/"): Promise<Exchange> {
  return new Exchange(to, { path }).ended;
}

/** The statuses of `count` GETs one after another. */
export async function statuses(to: Endpoint, count: number): Promise<(number | undefined)[]> {
  const seen: (number | undefined)[] = [];
  for (let one = 0; one < count; one += 1) seen.push((await get(to)).status);
  return seen;
}
