/** A connection that is lent, for one statement or for longer. */

import type { PgCallback, PgResult, PooledClient, QueryObject, Submittable } from "../pg-module.ts";

/**
 * - `read`: one statement that can be run elsewhere; cutting its connection loses nothing.
 * - `write`: one statement that cannot.
 * - `bound`: a transaction or more; it ends when its holder says so.
 */
export type LeaseUse = "read" | "write" | "bound";

export class Lease {
  readonly client: PooledClient;
  readonly use: LeaseUse;
  readonly #onReturn: () => void;
  #isBroken = false;
  #isReady = true;
  #isReturned = false;
  readonly #settling: (() => void)[] = [];

  constructor(client: PooledClient, use: LeaseUse, onReturn: () => void) {
    this.client = client;
    this.use = use;
    this.#onReturn = onReturn;
    // Without a listener, the death of its server would end this process.
    client.on("error", this.#noteBroken);
    client.on("drain", this.#noteReady);
  }

  /** The connection has died, or was cut. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  get isIdle(): boolean {
    const status = this.client.getTransactionStatus();
    return status === "I" || status === null;
  }

  run(query: string | QueryObject | Submittable, values?: unknown): Promise<PgResult> {
    this.#isReady = false;
    return new Promise((resolve, reject) => {
      const settle: PgCallback = (error, result) =>
        error ? reject(error) : resolve(result ?? NOTHING);
      this.client.query(query, values, settle);
    });
  }

  /** Hands something over that talks to the connection itself. */
  submit(query: Submittable, values: unknown, callback: PgCallback | undefined): void {
    this.#isReady = false;
    this.client.query(query, values, callback);
  }

  /** The server has answered all that was sent. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when the server is ready for the next statement, or the connection is gone. */
  settled(): Promise<void> {
    if (this.#isReady || this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#settling.push(resolve));
  }

  /** Destroys its socket: what was sent over it fails. */
  cut(): void {
    this.#noteBroken();
    this.client.connection.stream.destroy();
  }

  /** Does nothing the second time. @param isBad it is closed, not given to others. */
  release(isBad = false): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#onReturn();
    this.client.off("error", this.#noteBroken);
    this.client.off("drain", this.#noteReady);
    // A server that does not answer would not take its leave either.
    if (isBad || this.#isBroken) this.client.connection.stream.destroy();
    this.client.release(isBad || this.#isBroken);
  }

  readonly #noteBroken = (): void => {
    this.#isBroken = true;
    this.#settle();
  };

  /** pg says so when the server is ready and nothing is queued; an error's callback comes before. */
  readonly #noteReady = (): void => {
    this.#isReady = true;
    this.#settle();
  };

  #settle(): void {
    for (const resolve of this.#settling.splice(0)) resolve();
  }
}

const NOTHING: PgResult = { rows: [] };
