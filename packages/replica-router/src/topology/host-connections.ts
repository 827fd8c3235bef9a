/**
 * The connections to one server: a `pg.Pool`, and what it lacks when the server hangs.
 *
 * A server that is stopped, or behind a link that delivers nothing, does not fail: it does not answer,
 * and a pool waits for it for ever. Whoever finds that out calls {@link HostConnections.cut}: the
 * sockets are destroyed, which fails what was sent over them, and whoever waits for a connection is
 * told at once instead of at the end of the connection timeout.
 */

import type {
  ConnectionConfig,
  ParameterStatus,
  PgClient,
  PgModule,
  PgPool,
  PooledClient,
} from "../pg-module.ts";
import { Lease, type LeaseUse } from "./lease.ts";

export interface HostConnectionsOptions {
  readonly pg: PgModule;
  readonly config: ConnectionConfig;
  /** Most connections at a time. */
  readonly max: number;
  /** A connection has been made; before anybody uses it. */
  readonly onConnect: (client: PgClient) => void;
  /** An idle connection has died. */
  readonly onLost: (error: Error) => void;
  /** The server tells a setting, when it connects and whenever it changes. */
  readonly onParameter: (name: string, value: string) => void;
}

/** What gives up waiting for a connection, and why. */
type GiveUp = (error: Error) => void;

export class HostConnections {
  readonly pool: PgPool;
  readonly #clients = new Set<PgClient>();
  readonly #leases = new Set<Lease>();
  readonly #waiting = new Set<GiveUp>();
  #isClosed = false;

  constructor(options: HostConnectionsOptions) {
    const { pg, config, max, onConnect, onLost, onParameter } = options;
    const Client = observedClient(pg, ({ parameterName, parameterValue }) =>
      onParameter(parameterName, parameterValue),
    );
    this.pool = new pg.Pool({ ...DEFAULTS, ...config, max, Client });
    this.pool.on("connect", (client: PgClient) => {
      this.#clients.add(client);
      client.once("end", () => this.#clients.delete(client));
      onConnect(client);
    });
    this.pool.on("error", onLost);
  }

  /**
   * Takes a connection, waiting for one if all are in use.
   * @throws what pg says when it cannot connect; nothing has been sent then.
   */
  acquire(use: LeaseUse): Promise<Lease> {
    if (this.#isClosed) return Promise.reject(terminated(LEFT));
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.pool.connect((error, client) => {
        const isWanted = this.#waiting.delete(reject);
        if (client === undefined) reject(error);
        else if (!isWanted) client.release();
        else resolve(this.#lend(client, use));
      });
    });
  }

  #giveUp(why: string): void {
    const error = terminated(why);
    for (const giveUp of [...this.#waiting]) {
      this.#waiting.delete(giveUp);
      giveUp(error);
    }
  }

  #lend(client: PooledClient, use: LeaseUse): Lease {
    const lease = new Lease(client, use, () => this.#leases.delete(lease));
    this.#leases.add(lease);
    return lease;
  }

  /**
   * Ends what waits for this server.
   * @param what `reads`: only what can be read elsewhere. `everything`: also writes, transactions and idle connections.
   */
  cut(what: "reads" | "everything", why: string): void {
    this.#giveUp(why);
    for (const lease of this.#leases)
      if (what === "everything" || lease.use === "read") lease.cut();
    if (what === "everything")
      for (const client of this.#clients) client.connection.stream.destroy();
  }

  /**
   * Ends when all that is lent has been given back; after `hurry` resolves, at once. Who waits for a
   * connection, or asks for one from now on, is told that there is none.
   */
  async close(hurry: Promise<unknown>): Promise<void> {
    this.#isClosed = true;
    this.#giveUp(LEFT);
    const ended = this.pool.end();
    await Promise.race([ended, hurry]);
    for (const client of this.#clients) client.connection.stream.destroy();
    await ended;
  }
}

const LEFT = "the server is not used any more";

/** Reads like pg's own, so that it means the same: nothing was sent, try elsewhere. */
function terminated(why: string): Error {
  return new Error(`Connection terminated: ${why}`);
}

/** A wait of five seconds says what an endless one hides; idle sockets notice that their peer is gone. */
const DEFAULTS = { connectionTimeoutMillis: 5000, keepAlive: true };

/** A client that tells what its server says of itself, from the first message on. */
function observedClient(
  pg: PgModule,
  onStatus: (message: ParameterStatus) => void,
): PgModule["Client"] {
  return class ObservedClient extends pg.Client {
    constructor(config: ConnectionConfig) {
      super(config);
      this.connection.on("parameterStatus", onStatus);
    }
  };
}
