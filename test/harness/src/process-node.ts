import { type Endpoint, loopback } from "./endpoint.ts";
import { eventually } from "./eventually.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { ServerProcess } from "./place.ts";
import { testSeed } from "./seed.ts";
import type { ServerNode } from "./server-node.ts";

const ANSWERS_WITHIN_MS = 30_000;

type Life = "running" | "paused" | "down";

/**
 * A {@link ServerNode} made of a process and two proxies: `via`, through which clients come, and
 * `replication`, through which it follows its primary, if it has one.
 */
export abstract class ProcessNode implements ServerNode {
  readonly name: string;
  readonly direct: Endpoint;
  readonly link: FaultProxy;
  /** The link of its replication stream from the primary: a partition between servers only. */
  readonly replication: FaultProxy;
  #process: ServerProcess;
  #life: Life = "down";

  constructor(parts: NodeParts) {
    this.name = parts.name;
    this.direct = loopback(parts.port);
    this.link = parts.link;
    this.replication = parts.replication;
    this.#process = parts.process;
  }

  get via(): Endpoint {
    return this.link.endpoint;
  }

  get life(): Life {
    return this.#life;
  }

  abstract version(): Promise<string>;

  /** Resolves when the server answers, rejects when it does not (yet). */
  protected abstract ping(): Promise<void>;

  async start(): Promise<void> {
    if (this.#life === "paused") return this.resume();
    // A server may have ended by itself: what we did last is no proof that it runs.
    if (this.#life === "running" && (await this.#answers())) return;
    await this.#process.start();
    this.#life = "running";
    if (await this.#answers()) return;
    this.#life = "down";
    const log = (await this.logs()).split("\n").slice(-20).join("\n");
    throw new Error(`${this.name} ended instead of answering. The end of its log:\n${log}`);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    this.#life = "down";
  }

  async kill9(): Promise<void> {
    await this.#process.kill9();
    this.#life = "down";
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async pause(): Promise<void> {
    if (this.#life !== "running") return;
    await this.#process.pause();
    this.#life = "paused";
  }

  async resume(): Promise<void> {
    if (this.#life !== "paused") return;
    await this.#process.resume();
    this.#life = "running";
  }

  logs(): Promise<string> {
    return this.#process.logs();
  }

  /** Throws its data away and starts anew as `process`, at the same address. */
  async replaceProcess(process: ServerProcess): Promise<void> {
    await this.#process.destroy();
    this.#process = process;
    this.#life = "down";
    await this.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.link.close(), this.replication.close(), this.#process.destroy()]);
    this.#life = "down";
  }

  /** Waits until the server answers (true), or has ended (false). */
  async #answers(): Promise<boolean> {
    const answer = await eventually(
      `${this.name} answers on ${this.direct.host}:${this.direct.port}`,
      async () => {
        try {
          await this.ping();
          return "pong";
        } catch (error) {
          if (!(await this.#process.isRunning())) return "ended";
          throw error;
        }
      },
      { withinMs: ANSWERS_WITHIN_MS },
    );
    return answer === "pong";
  }
}

export interface NodeParts {
  readonly name: string;
  readonly port: number;
  readonly link: FaultProxy;
  readonly replication: FaultProxy;
  readonly process: ServerProcess;
}

/** The two proxies of a node that will listen on `port`; both lead to itself until it follows. */
export async function nodeProxies(port: number): Promise<Pick<NodeParts, "link" | "replication">> {
  const options = { target: loopback(port), random: testSeed().random };
  const [link, replication] = await Promise.all([
    FaultProxy.start(options),
    FaultProxy.start(options),
  ]);
  return { link, replication };
}
