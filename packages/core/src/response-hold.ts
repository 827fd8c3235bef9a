/**
 * Holds an answer back until what it says is true.
 *
 * A handler that redirects after a login is done when it has called `redirect`; the browser follows at
 * once, perhaps to another server, and must find the login there. So the first thing that would send
 * the head (`writeHead`, `write`, `end`, `flushHeaders`) asks whether there is something to be done
 * before. If so, it and all that follow are kept, and made in their order when it is done. If not,
 * nothing is held and the answer goes its way as if we were not here.
 *
 * To the handler a held answer looks like one whose client reads slowly: `write` gives `false` and
 * `drain` comes later, `headersSent` is true, `end` calls back when it has ended. When what is to be
 * done fails, nothing has been sent, and there is still time for an error page; a body that is still
 * being written cannot be called back, so then the connection is closed.
 */

import type { ServerResponse } from "node:http";

export interface HoldSteps {
  /** Before the head goes out. Undefined: nothing is to be done. Headers may be set until its promise resolves. */
  beforeHead(): Promise<void> | undefined;
  /** Before the end, if the head went out before it. */
  beforeEnd(): Promise<void> | undefined;
  /** `beforeHead` has failed, and nothing was sent: the answer is the caller's again. */
  failed(error: unknown): void;
}

type Method = "writeHead" | "write" | "end" | "flushHeaders";
type AnyMethod = (...parameters: unknown[]) => unknown;

interface Held {
  readonly method: Method;
  readonly parameters: unknown[];
}

/** It may begin late: of an answer whose head is sent, the end can still be held. */
export function holdResponse(response: ServerResponse, steps: HoldSteps): void {
  new ResponseHold(response, steps);
}

/** On a response, while its answer is held. */
const HELD = Symbol("headroom.held");

/**
 * One for all answers, and left where it is: a getter of its own, or one that is taken away again,
 * would give each answer a shape of its own, and everything that Node does with it would be slow.
 */
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get(this: ServerResponse): unknown {
    if (Reflect.get(this, HELD) === true) return true;
    return Reflect.get(Object.getPrototypeOf(this), "headersSent", this);
  },
};

class ResponseHold {
  readonly #response: ServerResponse;
  readonly #steps: HoldSteps;
  readonly #original: Readonly<Record<Method, AnyMethod>>;
  #state: "waiting" | "held" | "passing" | "over" = "waiting";
  #held: Held[] = [];

  constructor(response: ServerResponse, steps: HoldSteps) {
    this.#response = response;
    this.#steps = steps;
    if (response.headersSent) this.#state = "passing";
    this.#original = {
      writeHead: response.writeHead as AnyMethod,
      write: response.write as AnyMethod,
      end: response.end as AnyMethod,
      flushHeaders: response.flushHeaders as AnyMethod,
    };
    // Assigned, not defined: every request that uses its session pays for this.
    const methods = response as unknown as Record<Method, AnyMethod>;
    methods.writeHead = (...parameters) => this.#called({ method: "writeHead", parameters });
    methods.write = (...parameters) => this.#called({ method: "write", parameters });
    methods.end = (...parameters) => this.#called({ method: "end", parameters });
    methods.flushHeaders = (...parameters) => this.#called({ method: "flushHeaders", parameters });
  }

  #called(call: Held): unknown {
    if (this.#state === "held") return this.#hold(call);
    const work = this.#workBefore(call.method);
    if (work === undefined) return this.#make(call);
    const isHeadSent = this.#state === "passing";
    this.#state = "held";
    this.#showHeadSent();
    work.then(
      () => this.#release(),
      (error) => this.#fail(error, isHeadSent),
    );
    return this.#hold(call);
  }

  #workBefore(method: Method): Promise<void> | undefined {
    if (this.#state === "waiting") {
      // Before it is asked: what it does may itself look at the answer.
      this.#state = "passing";
      const work = this.#steps.beforeHead();
      if (work !== undefined) this.#state = "waiting";
      else if (method === "end") this.#state = "over";
      return work;
    }
    if (this.#state !== "passing" || method !== "end") return undefined;
    const work = this.#steps.beforeEnd();
    if (work === undefined) this.#state = "over";
    return work;
  }

  #hold(call: Held): unknown {
    this.#held.push(call);
    return call.method === "write" ? false : this.#response;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#hideHeadSent();
    this.#state = held.some(({ method }) => method === "end") ? "over" : "passing";
    let isWritable = true;
    for (const call of held) {
      const result = this.#make(call);
      if (call.method === "write") isWritable = result === true;
    }
    const isWaiting = held.some(({ method }) => method === "write");
    if (isWaiting && isWritable) process.nextTick(() => this.#response.emit("drain"));
  }

  #fail(error: unknown, isHeadSent: boolean): void {
    const isWhole = this.#held.some(({ method }) => method === "end");
    this.#held = [];
    this.#state = "over";
    this.#hideHeadSent();
    if (isHeadSent || !isWhole) {
      this.#response.destroy(error instanceof Error ? error : undefined);
      return;
    }
    for (const name of this.#response.getHeaderNames()) this.#response.removeHeader(name);
    this.#response.statusCode = 500;
    this.#steps.failed(error);
  }

  #make({ method, parameters }: Held): unknown {
    return this.#original[method].apply(this.#response, parameters);
  }

  #showHeadSent(): void {
    Reflect.set(this.#response, HELD, true);
    Object.defineProperty(this.#response, "headersSent", HEADERS_SENT);
  }

  #hideHeadSent(): void {
    Reflect.set(this.#response, HELD, false);
  }
}
