/**
 * The connections to one server: a `pg.Pool`, and what it lacks when the server hangs.
 *
 * A server that is stopped, or behind a link that delivers nothing, does not fail: it does not answer,
 * and a pool waits for it for ever. Whoever finds that out calls {@link HostConnections.cut}: the
 * sockets are destroyed, which fails what was sent over them, and whoever waits for a connection is
 * told at once instead of at the end of the connection timeout.
 *
 * A connection that is given back stays at hand until the end of the event loop's turn. Under load the
 * next statement comes within it, and has a connection at once: for each of them the pool would wait
 * for the next tick, start and stop a timer, and change the listeners of the connection. What the pool
 * does when a connection comes back (`maxUses`, `maxLifetimeSeconds`) needs every one of them to.
 */

import { afterThisTurn, type Clock, type Timer } from "@headroom/core/clock";
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
  readonly clock: Clock;
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
  /** Given back in this turn, and not yet to the pool. */
  readonly #atHand: Lease[] = [];
  readonly #keepsAtHand: boolean;
  #isTurnEndAwaited = false;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #isClosed = false;
  #ended: Promise<void> | undefined;

  constructor(options: HostConnectionsOptions) {
    const { pg, config, max, clock, onConnect, onLost, onParameter } = options;
    const connectionTimeoutMillis = Number(
      config["connectionTimeoutMillis"] ?? CONNECTION_TIMEOUT_MS,
    );
    this.#clock = clock;
    this.#keepsAtHand = !config["maxUses"] && !config["maxLifetimeSeconds"];
    this.#patienceMs = connectionTimeoutMillis || Number.POSITIVE_INFINITY;
    const Client = observedClient(pg, connectionTimeoutMillis, {
      onMade: (client) => this.#follow(client),
      onStatus: ({ parameterName, parameterValue }) => onParameter(parameterName, parameterValue),
    });
    // The pool would start and stop a timer for each statement, also when a connection is free.
    const untimed = { connectionTimeoutMillis: 0 };
    this.pool = new pg.Pool({ keepAlive: true, ...config, ...untimed, max, Client });
    this.pool.on("connect", onConnect);
    this.pool.on("error", onLost);
  }

  /**
   * Takes a connection, waiting for one if all are in use.
   * @throws what pg says when it cannot connect; nothing has been sent then.
   */
  acquire(use: LeaseUse): Promise<Lease> {
    if (this.#isClosed) return Promise.reject(terminated(LEFT));
    const atHand = this.take(use);
    if (atHand !== undefined) return Promise.resolve(atHand);
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const timer = this.pool.idleCount > 0 ? undefined : this.#patience(reject);
      this.pool.connect((error, client) => {
        timer?.cancel();
        const isWanted = this.#waiting.delete(reject);
        if (client === undefined) reject(error);
        else if (!isWanted) client.release();
        else resolve(this.#lend(client, use));
      });
    });
  }

  /** Takes a connection that is at hand. Undefined when one has to be waited for. */
  take(use: LeaseUse): Lease | undefined {
    for (;;) {
      const last = this.#atHand.pop();
      if (last === undefined) return undefined;
      if (!last.isBroken) return this.#lend(last.client, use);
      last.client.release(true);
    }
  }

  /** Connections that nobody uses. */
  get idleCount(): number {
    return this.pool.idleCount + this.#atHand.length;
  }

  /** From before it is connected: a server that hangs may never let it. */
  #follow(client: PgClient): void {
    this.#clients.add(client);
    client.once("end", () => this.#clients.delete(client));
  }

  /** Says what pg-pool would say. */
  #patience(giveUp: GiveUp): Timer {
    const expire = (): void => {
      if (this.#waiting.delete(giveUp))
        giveUp(new Error("timeout exceeded when trying to connect"));
    };
    return this.#clock.timer(expire, this.#patienceMs);
  }

  #giveUp(why: string): void {
    const error = terminated(why);
    for (const giveUp of [...this.#waiting]) {
      this.#waiting.delete(giveUp);
      giveUp(error);
    }
  }

  #lend(client: PooledClient, use: LeaseUse): Lease {
    const lease = new Lease(client, use, this.#takeBack);
    this.#leases.add(lease);
    return lease;
  }

  readonly #takeBack = (lease: Lease): void => {
    this.#leases.delete(lease);
    // Who waits in the pool is served by it, in its order.
    const isWanted = !this.#keepsAtHand || this.#isClosed || this.pool.waitingCount > 0;
    if (lease.isBroken || isWanted) lease.client.release(lease.isBroken);
    else this.#keepAtHand(lease);
  };

  #keepAtHand(lease: Lease): void {
    this.#atHand.push(lease);
    if (this.#isTurnEndAwaited) return;
    this.#isTurnEndAwaited = true;
    afterThisTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnEndAwaited = false;
    this.#clearHand();
  };

  #clearHand(): void {
    for (const { client, isBroken } of this.#atHand.splice(0)) client.release(isBroken);
  }

  /**
   * Ends what waits for this server.
   * @param what `reads`: only what can be read elsewhere. `everything`: also writes, transactions and idle connections.
   */
  cut(what: "reads" | "everything", why: string): void {
    this.#giveUp(why);
    for (const lease of this.#leases)
      if (what === "everything" || lease.use === "read") lease.cut();
    if (what === "reads") return;
    for (const lease of this.#atHand) lease.cut();
    for (const client of this.#clients) client.connection.stream.destroy();
  }

  /**
   * Ends when all that is lent has been given back; after `hurry` resolves, at once. Who waits for a
   * connection, or asks for one from now on, is told that there is none. It may be called again: the
   * `hurry` that resolves first counts.
   */
  async close(hurry: Promise<unknown>): Promise<void> {
    this.#isClosed = true;
    this.#giveUp(LEFT);
    this.#clearHand();
    this.#ended ??= this.pool.end();
    await Promise.race([this.#ended, hurry]);
    // Who has not given back what was lent to him until now will find it broken.
    for (const lease of this.#leases) lease.release(true);
    for (const client of this.#clients) client.connection.stream.destroy();
    await this.#ended;
  }
}

/** A wait of five seconds says what an endless one hides. */
const CONNECTION_TIMEOUT_MS = 5000;
const LEFT = "the server is not used any more";

/** Reads like pg's own, so that it means the same: nothing was sent, try elsewhere. */
function terminated(why: string): Error {
  return new Error(`Connection terminated: ${why}`);
}

interface Observer {
  readonly onMade: (client: PgClient) => void;
  readonly onStatus: (message: ParameterStatus) => void;
}

/** A client that is known before it is connected, and tells what its server says from the first message on. */
function observedClient(
  pg: PgModule,
  connectionTimeoutMillis: number,
  { onMade, onStatus }: Observer,
): PgModule["Client"] {
  return class ObservedClient extends pg.Client {
    constructor(config: ConnectionConfig) {
      // pg-pool hides a password from whoever lists the fields, also from a copy.
      const { password } = config;
      super({
        ...config,
        connectionTimeoutMillis,
        ...(password === undefined ? {} : { password }),
      });
      onMade(this);
      this.connection.on("parameterStatus", onStatus);
    }
  };
}
