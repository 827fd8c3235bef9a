/** PostgreSQL servers that are objects, and a `pg` to reach them: everything happens when it is told to. */

import { EventEmitter } from "node:events";
import { questionsOf } from "../src/topology/engine.ts";

const { identity: IDENTITY_SQL, position: POSITION_SQL } = questionsOf("postgresql");

type Callback = (error: Error | undefined, result?: unknown) => void;

/** One server. What it is asked is in `heard`. */
export class FakeServer {
  readonly host: string;
  isStandby: boolean;
  timeline = 1;
  lsn = 0x1000n;
  /** Refuses connections, and has none any more. */
  isDown = false;
  /** Answers nothing. */
  isHung = false;
  version = 150018;
  /** Functions of its database that may write. */
  volatileFunctions: readonly string[] = [];
  heard: string[] = [];
  readonly clients = new Set<FakeClient>();
  /** Answers a statement that is not the router's own: rows, or an error. */
  answer: (text: string, client: FakeClient) => unknown[] | Error = () => [{ host: this.host }];

  constructor(host: string, isStandby: boolean) {
    this.host = host;
    this.isStandby = isStandby;
  }

  /** Its process has died. */
  kill(): void {
    this.isDown = true;
    for (const client of [...this.clients]) client.connection.stream.destroy();
  }

  reply(text: string, client: FakeClient): unknown[] | Error {
    if (text === IDENTITY_SQL) {
      return [{ system: "7", segment: "16777216", version: String(this.version) }];
    }
    if (text === POSITION_SQL) {
      const lsn = `${(this.lsn >> 32n).toString(16)}/${(this.lsn & 0xffffffffn).toString(16)}`;
      return [{ standby: this.isStandby, lsn, timeline: this.timeline }];
    }
    if (text.includes("pg_catalog.pg_proc"))
      return this.volatileFunctions.map((name) => ({ name }));
    if (text.includes("pg_catalog")) return [];
    this.heard.push(text);
    return this.answer(text, client);
  }
}

const failed = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

/** An error as the server sends it. */
export const serverError = (code: string, severity = "ERROR"): Error =>
  Object.assign(new Error(`error ${code}`), { code, severity });

interface FakeConfig {
  readonly host: string;
  readonly servers: ReadonlyMap<string, FakeServer>;
  readonly password?: unknown;
}

export class FakeClient extends EventEmitter {
  readonly server: FakeServer;
  readonly connection: EventEmitter & { stream: { destroy(): void } };
  readonly processID = 1;
  release: (error?: unknown) => void = () => {};
  #status: string | null = null;
  #isEnded = false;
  #waiting: Callback[] = [];

  readonly password: unknown;

  constructor({ host, servers, password }: FakeConfig) {
    super();
    this.password = password;
    const server = servers.get(host);
    if (server === undefined) throw new Error(`no server ${host}`);
    this.server = server;
    const stream = { destroy: () => this.#die() };
    this.connection = Object.assign(new EventEmitter(), { stream });
  }

  async connect(): Promise<void> {
    if (this.server.isDown) throw failed("connect ECONNREFUSED", "ECONNREFUSED");
    this.server.clients.add(this);
    if (this.server.isHung) {
      await new Promise<void>((_, reject) => this.#waiting.push((error) => reject(error)));
    }
    this.#status = "I";
  }

  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.server.clients.delete(this);
    this.emit("end");
  }

  getTransactionStatus(): string | null {
    return this.#status;
  }

  query(query: string | { text: string }, _values?: unknown, callback?: Callback): unknown {
    const text = typeof query === "string" ? query : query.text;
    if (callback === undefined) {
      return new Promise((resolve, reject) =>
        this.query(text, undefined, (error, result) => (error ? reject(error) : resolve(result))),
      );
    }
    this.#send(text, callback);
    return undefined;
  }

  #send(text: string, callback: Callback): void {
    if (this.#isEnded) {
      queueMicrotask(() =>
        callback(failed("Client has encountered a connection error and is not queryable")),
      );
      return;
    }
    this.#waiting.push(callback);
    if (this.server.isHung) return;
    queueMicrotask(() => {
      const index = this.#waiting.indexOf(callback);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      const reply = this.server.reply(text, this);
      if (/^begin/i.test(text) && !(reply instanceof Error)) this.#status = "T";
      if (/^(commit|rollback)/i.test(text)) this.#status = "I";
      if (reply instanceof Error) {
        if (this.#status === "T") this.#status = "E";
        callback(reply);
      } else callback(undefined, { rows: reply });
      if (this.#waiting.length === 0) this.emit("drain");
    });
  }

  /** Its connection is gone, as pg tells it. */
  #die(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.server.clients.delete(this);
    const error = failed("Connection terminated unexpectedly");
    for (const callback of this.#waiting.splice(0)) queueMicrotask(() => callback(error));
    if (this.listenerCount("error") > 0) this.emit("error", error);
    this.emit("end");
  }
}

type ClientClass = new (config: never) => FakeClient;
type Taken = (error: Error | undefined, client?: FakeClient) => void;

/** As much of pg-pool as is used. */
export class FakePool extends EventEmitter {
  readonly options: Record<string, unknown>;
  readonly #Client: ClientClass;
  readonly #idle: FakeClient[] = [];
  readonly #all = new Set<FakeClient>();
  readonly #waiting: Taken[] = [];
  #onEnded: (() => void) | undefined;

  constructor(options: Record<string, unknown>) {
    super();
    this.options = { ...options };
    // As pg-pool does it.
    Object.defineProperty(this.options, "password", { enumerable: false });
    this.#Client = (options["Client"] ?? FakeClient) as ClientClass;
  }

  get totalCount(): number {
    return this.#all.size;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  connect(callback: Taken): void {
    const idle = this.#idle.pop();
    if (idle !== undefined) this.#lend(idle, callback);
    else if (this.#all.size < Number(this.options["max"] ?? 10)) this.#make(callback);
    else this.#waiting.push(callback);
  }

  #make(callback: Taken): void {
    const client = new this.#Client(this.options as never);
    this.#all.add(client);
    client.connect().then(
      () => {
        this.emit("connect", client);
        this.#lend(client, callback);
      },
      (error: Error) => {
        this.#all.delete(client);
        callback(error);
        this.#checkEnded();
      },
    );
  }

  end(): Promise<void> {
    for (const client of this.#idle.splice(0)) this.#remove(client);
    return new Promise((resolve) => {
      this.#onEnded = resolve;
      this.#checkEnded();
    });
  }

  #lend(client: FakeClient, callback: Taken): void {
    client.release = (error) => {
      if (error) this.#remove(client);
      else if (this.#onEnded !== undefined) this.#remove(client);
      else {
        this.#idle.push(client);
        const next = this.#waiting.shift();
        if (next !== undefined) this.connect(next);
      }
      this.#checkEnded();
    };
    queueMicrotask(() => callback(undefined, client));
  }

  #remove(client: FakeClient): void {
    this.#all.delete(client);
    void client.end();
  }

  #checkEnded(): void {
    if (this.#all.size === 0) this.#onEnded?.();
  }
}

/** Servers of these names, the first of them the primary, and how to reach them. */
export function fakePostgres(...hosts: readonly string[]) {
  const servers = new Map(hosts.map((host, index) => [host, new FakeServer(host, index > 0)]));
  const server = (host: string): FakeServer => {
    const known = servers.get(host);
    if (known === undefined) throw new Error(`no server ${host}`);
    return known;
  };
  const config = (host: string) => ({ host, servers, name: host });
  return { pg: { Pool: FakePool, Client: FakeClient }, server, config };
}
