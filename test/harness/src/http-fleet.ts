import { requireCount } from "@headroom/core/options";
import { type Random, seededRandom } from "@headroom/core/random";
import { type Endpoint, LOOPBACK, loopback } from "./endpoint.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { freePort } from "./free-port.ts";
import { HttpBackendProcess } from "./http-backend-process.ts";
import type { HttpBackendStats } from "./http-backend-protocol.ts";
import { type HttpScript, requireScript } from "./http-behaviour.ts";
import type { ServerNode } from "./server-node.ts";

export interface HttpFleetOptions {
  /** How many. @default 3 */
  readonly backends?: number;
  /** Decides the jitter of links and where the pattern of a `share` begins. @default 0 */
  readonly seed?: number;
}

/** Starts plain HTTP servers, each a process of its own; resolves when all listen. */
export async function startHttpFleet(options: HttpFleetOptions = {}): Promise<HttpFleet> {
  const count = requireCount("backends", options.backends ?? 3);
  const random = seededRandom(options.seed ?? 0);
  const names = Array.from({ length: count }, (_, index) => `http${index + 1}`);
  const fleet = new HttpFleet(
    await Promise.all(names.map((name) => HttpBackend.create(name, random(), random))),
  );
  try {
    await Promise.all(fleet.nodes.map((node) => node.start()));
  } catch (error) {
    await fleet.close();
    throw error;
  }
  return fleet;
}

/** HTTP servers that know nothing of each other. */
export class HttpFleet {
  readonly nodes: readonly HttpBackend[];

  constructor(nodes: readonly HttpBackend[]) {
    this.nodes = nodes;
  }

  /** All run, healthy, on open links; no connection is left and all counts are 0. */
  async reset(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.reset()));
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * One HTTP server that does as it is told. A process that is started anew is healthy and counts
 * from 0: its behaviour dies with it.
 */
export class HttpBackend implements ServerNode {
  readonly name: string;
  readonly direct: Endpoint;
  readonly link: FaultProxy;
  readonly #process: HttpBackendProcess;
  #isPaused = false;

  private constructor(parts: {
    name: string;
    direct: Endpoint;
    link: FaultProxy;
    process: HttpBackendProcess;
  }) {
    this.name = parts.name;
    this.direct = parts.direct;
    this.link = parts.link;
    this.#process = parts.process;
  }

  /** One that is not started yet. */
  static async create(name: string, phase: number, random: Random): Promise<HttpBackend> {
    const direct = loopback(await freePort());
    const link = await FaultProxy.start({ target: direct, random });
    const process = new HttpBackendProcess({ name, host: LOOPBACK, port: direct.port, phase });
    return new HttpBackend({ name, direct, link, process });
  }

  get via(): Endpoint {
    return this.link.endpoint;
  }

  /** Where it is reached through its proxy, such as `http://127.0.0.1:34567`. */
  get url(): string {
    return `http://${this.via.host}:${this.via.port}`;
  }

  /**
   * From the next request on, requests are treated like this; the count of a list and of a `share`
   * begins anew. Resolves when the backend has taken it, which a paused one does after `resume`.
   *
   * @throws TypeError | RangeError naming a wrong field; Error when the backend does not run.
   */
  async behave(script: HttpScript): Promise<void> {
    await this.#process.ask({ kind: "behave", behaviours: requireScript(script) });
  }

  /** @throws Error when the backend does not run. */
  stats(): Promise<HttpBackendStats> {
    return this.#process.ask({ kind: "stats" });
  }

  async version(): Promise<string> {
    return `Node ${process.versions.node}`;
  }

  async start(): Promise<void> {
    if (this.#isPaused) return this.resume();
    if (!(await this.#process.isRunning())) await this.#process.start();
  }

  /** Lets requests under way end for a second, then closes their connections. */
  async stop(): Promise<void> {
    await this.#process.stop();
    this.#isPaused = false;
  }

  async kill9(): Promise<void> {
    await this.#process.kill9();
    this.#isPaused = false;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async pause(): Promise<void> {
    this.#isPaused = await this.#process.isRunning();
    await this.#process.pause();
  }

  async resume(): Promise<void> {
    await this.#process.resume();
    this.#isPaused = false;
  }

  logs(): Promise<string> {
    return this.#process.logs();
  }

  /** Runs, healthy, on an open link, with no connections and all counts 0. */
  async reset(): Promise<void> {
    this.link.open();
    this.link.resetAll();
    await this.start();
    await this.#process.ask({ kind: "reset" });
  }

  async close(): Promise<void> {
    await Promise.all([this.link.close(), this.#process.destroy()]);
  }
}
