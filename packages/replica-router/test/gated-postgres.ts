/**
 * PostgreSQL servers that are objects and do nothing before `gate` lets them: for tests of what may
 * happen in whichever order. What the router asks for itself passes at once.
 */

import { EventEmitter } from "node:events";
import type {
  ConnectionConfig,
  PgCallback,
  PgModule,
  PgResult,
  PooledClient,
} from "../src/pg-module.ts";
import { formatLsn } from "../src/wal/lsn.ts";

export type Answer = readonly Readonly<Record<string, unknown>>[] | Error;

const IS_IDENTITY = /\bsystem_identifier\b/;
const IS_POSITION = /\bpg_last_wal_replay_lsn\b/;
const IS_CATALOG = /\bpg_(proc|class)\b/;

export class GatedServer {
  readonly name: string;
  isStandby = false;
  timeline = 1;
  lsn = 100n;
  state: "up" | "down" | "hung" = "up";
  /** What was sent here, whether it was run or not. */
  readonly received: string[] = [];
  readonly clients = new Set<GatedClient>();
  /** What a statement is answered with. */
  answer: (text: string) => Answer = () => [];
  /** When a statement takes effect, and when its answer is sent. */
  gate: (text: string, what: "runs" | "answers") => Promise<unknown> = () => Promise.resolve();
  readonly #waiting: (() => void)[] = [];
  #life = 0;

  constructor(name: string, given: Partial<GatedServer> = {}) {
    this.name = name;
    Object.assign(this, given);
  }

  kill(): void {
    this.state = "down";
    this.#life++;
    for (const client of this.clients) client.lose();
    this.#goOn();
  }

  start(given: Partial<GatedServer> = {}): void {
    Object.assign(this, given, { state: "up" });
    this.#goOn();
  }

  promote(): void {
    this.isStandby = false;
    this.timeline++;
  }

  async run(text: string): Promise<Answer> {
    const isOurs = !IS_IDENTITY.test(text) && !IS_POSITION.test(text) && !IS_CATALOG.test(text);
    if (isOurs) this.received.push(text);
    await this.awake();
    if (IS_IDENTITY.test(text)) return [{ system: "1", segment: "16777216", version: "150000" }];
    if (IS_POSITION.test(text)) {
      const { isStandby: standby, timeline } = this;
      return [{ standby, timeline, lsn: formatLsn(this.lsn) }];
    }
    if (!isOurs) return [];
    const life = this.#life;
    await this.gate(text, "runs");
    await this.awake();
    // What a process had not done when it died it does not do in its next life.
    if (life !== this.#life) return terminated();
    const answer = this.answer(text);
    await this.gate(text, "answers");
    await this.awake();
    return answer;
  }

  awake(): Promise<void> {
    if (this.state !== "hung") return Promise.resolve();
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.awake());
  }

  #goOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const terminated = (): Error => new Error("Connection terminated unexpectedly");

export class GatedClient extends EventEmitter {
  readonly server: GatedServer;
  readonly connection = Object.assign(new EventEmitter(), {
    stream: { destroy: () => this.lose() },
  });
  isLost = false;
  #status: string | null = null;
  readonly #failures = new Set<(error: Error) => void>();

  constructor(server: GatedServer) {
    super();
    this.server = server;
  }

  async connect(): Promise<void> {
    await this.#orLost(this.server.awake());
    if (this.server.state === "down") {
      const error = new Error(`connect ECONNREFUSED ${this.server.name}`);
      throw Object.assign(error, { code: "ECONNREFUSED" });
    }
    this.server.clients.add(this);
    this.#status = "I";
    const parameterValue = this.server.isStandby ? "on" : "off";
    this.connection.emit("parameterStatus", { parameterName: "in_hot_standby", parameterValue });
  }

  query(text: string): Promise<PgResult>;
  query(query: unknown, values: unknown, callback: PgCallback | undefined): unknown;
  query(query: unknown, _values?: unknown, callback?: PgCallback): unknown {
    const text = typeof query === "string" ? query : (query as { text: string }).text;
    const running = this.#run(text);
    if (callback === undefined) return running;
    running.then(
      (result) => callback(null, result),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  getTransactionStatus(): string | null {
    return this.#status;
  }

  async end(): Promise<void> {
    this.lose();
  }

  /** The connection is gone: what was sent fails, and so does what is sent later. */
  lose(): void {
    if (this.isLost) return;
    const error = terminated();
    this.isLost = true;
    this.server.clients.delete(this);
    for (const fail of [...this.#failures]) fail(error);
    if (this.listenerCount("error") > 0) this.emit("error", error);
    this.emit("end");
  }

  async #run(text: string): Promise<PgResult> {
    if (this.isLost) {
      throw new Error("Client has encountered a connection error and is not queryable");
    }
    const answer = await this.#orLost(this.server.run(text));
    if (/^begin/i.test(text)) this.#status = "T";
    if (/^(commit|rollback)/i.test(text)) this.#status = "I";
    if (answer instanceof Error && this.#status === "T") this.#status = "E";
    // As pg's: an error's callback comes before, a result's after.
    if (answer instanceof Error) {
      queueMicrotask(() => queueMicrotask(() => this.emit("drain")));
      throw answer;
    }
    this.emit("drain");
    return { rows: answer };
  }

  #orLost<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#failures.add(reject);
      work.then(resolve, reject).finally(() => this.#failures.delete(reject));
    });
  }
}

type Taker = (error: Error | undefined, client?: PooledClient) => void;

class GatedPool extends EventEmitter {
  readonly options: Record<string, unknown>;
  readonly #clients = new Set<GatedClient>();
  readonly #idle: GatedClient[] = [];
  readonly #takers: Taker[] = [];
  #connecting = 0;
  #ended: (() => void) | undefined;

  constructor(config: ConnectionConfig) {
    super();
    this.options = { ...config };
  }

  get totalCount(): number {
    return this.#clients.size + this.#connecting;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waitingCount(): number {
    return this.#takers.length;
  }

  connect(taker: Taker): void {
    this.#takers.push(taker);
    this.#serve();
  }

  end(): Promise<void> {
    for (const client of this.#idle.splice(0)) this.#remove(client);
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#noteEnd();
    });
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const idle = this.#idle.pop();
      if (idle === undefined && this.totalCount >= Number(this.options["max"])) return;
      const taker = this.#takers.shift();
      if (taker === undefined) return;
      if (idle === undefined) void this.#make(taker);
      else taker(undefined, this.#lent(idle));
    }
  }

  async #make(taker: Taker): Promise<void> {
    const Client = this.options["Client"] as new (config: ConnectionConfig) => GatedClient;
    const client = new Client(this.options);
    this.#connecting++;
    try {
      await client.connect();
    } catch (error) {
      this.#connecting--;
      taker(error as Error);
      return this.#serve();
    }
    this.#connecting--;
    this.#clients.add(client);
    // One that is lent keeps its place until it is given back, dead or not.
    client.on("end", () => {
      const at = this.#idle.indexOf(client);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      this.#remove(client);
      this.#serve();
      if (this.listenerCount("error") > 0) this.emit("error", terminated());
    });
    this.emit("connect", client);
    taker(undefined, this.#lent(client));
  }

  #lent(client: GatedClient): PooledClient {
    const release = (bad?: Error | boolean): void => {
      if (bad || client.isLost || this.#ended !== undefined) this.#remove(client);
      else this.#idle.push(client);
      this.#serve();
    };
    return Object.assign(client, { release }) as unknown as PooledClient;
  }

  #remove(client: GatedClient): void {
    this.#clients.delete(client);
    void client.end();
    this.#noteEnd();
  }

  #noteEnd(): void {
    if (this.#clients.size === 0) this.#ended?.();
  }
}

/** Connections go to the server that is called like their `host`. */
export function gatedPg(servers: readonly GatedServer[]): PgModule {
  const module = {
    Pool: GatedPool,
    Client: class extends GatedClient {
      constructor(config: ConnectionConfig) {
        const server = servers.find(({ name }) => name === config["host"]);
        if (server === undefined) throw new Error(`there is no server ${String(config["host"])}`);
        super(server);
      }
    },
  };
  // What Node's emitters may be called with is wider than what they may be listened to with.
  return module as unknown as PgModule;
}

export function sqlError(code: string): Error {
  return Object.assign(new Error("it is refused"), { code, severity: "ERROR" });
}
