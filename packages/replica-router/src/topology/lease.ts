/** A connection that is lent, for one statement or for longer. */

import type {
  PgCallback,
  PgClient,
  PgResult,
  PooledClient,
  QueryObject,
  Submittable,
} from "../pg-module.ts";

/**
 * - `read`: one statement that can be run elsewhere; cutting its connection loses nothing.
 * - `write`: one statement that cannot.
 * - `bound`: a transaction or more; it ends when its holder says so.
 */
export type LeaseUse = "read" | "write" | "bound";

/** What a connection has said. It listens for as long as the connection lives, whoever has it. */
class Line {
  isBroken = false;
  isReady = true;
  readonly #settling: (() => void)[] = [];

  constructor(client: PgClient) {
    // Without a listener, the death of its server would end this process.
    client.on("error", () => this.noteBroken());
    // pg says so when the server is ready and nothing is queued; an error's callback comes before.
    client.on("drain", () => {
      this.isReady = true;
      this.#settle();
    });
  }

  noteBroken(): void {
    this.isBroken = true;
    this.#settle();
  }

  settled(): Promise<void> {
    if (this.isReady || this.isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#settling.push(resolve));
  }

  #settle(): void {
    if (this.#settling.length > 0) for (const resolve of this.#settling.splice(0)) resolve();
  }
}

const lines = new WeakMap<PgClient, Line>();

function lineOf(client: PgClient): Line {
  const known = lines.get(client);
  if (known !== undefined) return known;
  const line = new Line(client);
  lines.set(client, line);
  return line;
}

export class Lease {
  readonly client: PooledClient;
  readonly use: LeaseUse;
  readonly #line: Line;
  readonly #takeBack: (lease: Lease) => void;
  #isReturned = false;

  /** @param takeBack is called once, when it is given back. */
  constructor(client: PooledClient, use: LeaseUse, takeBack: (lease: Lease) => void) {
    this.client = client;
    this.use = use;
    this.#line = lineOf(client);
    this.#takeBack = takeBack;
  }

  /** The connection has died, or was cut. */
  get isBroken(): boolean {
    return this.#line.isBroken;
  }

  get isIdle(): boolean {
    const status = this.client.getTransactionStatus();
    return status === "I" || status === null;
  }

  run(query: string | QueryObject | Submittable, values?: unknown): Promise<PgResult> {
    return new Promise((resolve, reject) => {
      const settle: PgCallback = (error, result) =>
        error ? reject(error) : resolve(result ?? NOTHING);
      this.send(query, values, settle);
    });
  }

  /**
   * The same without a promise. A result is told when the server is ready for the next statement, an
   * error before: then {@link settled} says when it is.
   */
  send(
    query: string | QueryObject | Submittable,
    values: unknown,
    callback: PgCallback | undefined,
  ): void {
    this.#line.isReady = false;
    this.client.query(query, values, callback);
  }

  /** The server has answered all that was sent, and pg has said so to all. */
  get isReady(): boolean {
    return this.#line.isReady;
  }

  /** Resolves when the server is ready for the next statement, or the connection is gone. */
  settled(): Promise<void> {
    return this.#line.settled();
  }

  /** Destroys its socket: what was sent over it fails. */
  cut(): void {
    this.#line.noteBroken();
    this.client.connection.stream.destroy();
  }

  /** Does nothing the second time. @param isBad it is closed, not given to others. */
  release(isBad = false): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    // A server that does not answer would not take its leave either.
    // Whoever waits for its answer is told: a client that is being ended says nothing any more.
    if (isBad) this.#line.noteBroken();
    if (this.isBroken) this.client.connection.stream.destroy();
    this.#takeBack(this);
  }
}

export const NOTHING: PgResult = { rows: [] };
