import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { requireNonNegative, requirePositive } from "@headroom/core/options";
import { type Endpoint, LOOPBACK, loopback } from "./endpoint.ts";
import { type Direction, FaultLane, type LinkFaults } from "./fault-lane.ts";
import type { FaultLink, LinkStats } from "./fault-link.ts";

interface Connection {
  readonly client: Socket;
  readonly lanes: FaultLane[];
  upstream: Socket | undefined;
}

/**
 * A TCP proxy inside the test's own process: a stable port in front of a server, and a network that
 * can be broken on command. See fault-lane.ts for the one rule it keeps.
 *
 * It differs from a real network in one way a test can see: when the server is not there, a client
 * is accepted and then reset, where a direct connection is refused at once.
 */
export class FaultProxy implements FaultLink {
  readonly endpoint: Endpoint;
  readonly #server: Server;
  readonly #random: () => number;
  readonly #connections = new Set<Connection>();
  readonly #faults: LinkFaults = {
    refuse: false,
    stalled: { up: false, down: false },
    latencyMs: 0,
    jitterMs: 0,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  };
  readonly #resetAfter: Record<Direction, number> = {
    up: Number.POSITIVE_INFINITY,
    down: Number.POSITIVE_INFINITY,
  };
  readonly #delivered: Record<Direction, number> = { up: 0, down: 0 };
  #accepted = 0;
  #target: Endpoint;

  private constructor(server: Server, target: Endpoint, random: () => number) {
    this.#server = server;
    this.#target = target;
    this.#random = random;
    this.endpoint = loopback((server.address() as AddressInfo).port);
    server.on("connection", (client) => this.#accept(client));
  }

  /** Listens on a free port of the loopback interface. `random` is the source of jitter. */
  static async start(options: { target: Endpoint; random?: () => number }): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, LOOPBACK, resolve);
    });
    return new FaultProxy(server, options.target, options.random ?? Math.random);
  }

  get target(): Endpoint {
    return this.#target;
  }

  get stats(): LinkStats {
    return {
      connections: this.#connections.size,
      accepted: this.#accepted,
      bytesUp: this.#delivered.up,
      bytesDown: this.#delivered.down,
    };
  }

  /** Sends later connections to another server, and resets the present ones. */
  retarget(target: Endpoint): void {
    this.#target = target;
    this.resetAll();
  }

  open(): void {
    Object.assign(this.#faults, { refuse: false, latencyMs: 0, jitterMs: 0 });
    this.#faults.bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#faults.stalled.up = false;
    this.#faults.stalled.down = false;
    this.#setResetAfter(Number.POSITIVE_INFINITY, "up");
    this.#setResetAfter(Number.POSITIVE_INFINITY, "down");
    this.#faultsChanged();
  }

  refuse(): void {
    this.#faults.refuse = true;
  }

  stall(direction: Direction | "both" = "both"): void {
    if (direction !== "down") this.#faults.stalled.up = true;
    if (direction !== "up") this.#faults.stalled.down = true;
    this.#faultsChanged();
  }

  latency(latencyMs: number, jitterMs = 0): void {
    this.#faults.latencyMs = requireNonNegative("latencyMs", latencyMs);
    this.#faults.jitterMs = requireNonNegative("jitterMs", jitterMs);
    this.#faultsChanged();
  }

  limit(bytesPerSecond: number): void {
    this.#faults.bytesPerSecond = requirePositive("bytesPerSecond", bytesPerSecond);
    this.#faultsChanged();
  }

  resetAll(): void {
    for (const { client, upstream } of this.#connections) {
      client.resetAndDestroy();
      upstream?.resetAndDestroy();
    }
  }

  resetAfter(bytes: number, direction: Direction = "down"): void {
    this.#setResetAfter(requireNonNegative("bytes", bytes), direction);
  }

  /** Resets every connection and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.resetAll();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #setResetAfter(bytes: number, direction: Direction): void {
    this.#resetAfter[direction] = bytes;
    for (const { lanes } of this.#connections) {
      for (const lane of lanes) if (lane.direction === direction) lane.resetAfter(bytes);
    }
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    client.on("error", () => {});
    if (this.#faults.refuse) {
      client.resetAndDestroy();
      return;
    }
    const connection: Connection = { client, lanes: [], upstream: undefined };
    this.#connections.add(connection);
    client.once("close", () => {
      if (!connection.upstream || connection.upstream.destroyed)
        this.#connections.delete(connection);
    });
    if (!this.#faults.stalled.up) this.#connect(connection);
  }

  #connect(connection: Connection): void {
    const { client } = connection;
    const upstream = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    connection.upstream = upstream;
    upstream.on("error", () => {});
    upstream.once("close", () => {
      if (client.destroyed) this.#connections.delete(connection);
    });
    const lane = (direction: Direction, from: Socket, to: Socket): FaultLane => {
      const made = new FaultLane({
        direction,
        from,
        to,
        faults: this.#faults,
        random: this.#random,
        delivered: (bytes) => {
          this.#delivered[direction] += bytes;
        },
      });
      made.resetAfter(this.#resetAfter[direction]);
      connection.lanes.push(made);
      return made;
    };
    lane("up", client, upstream).pump();
    lane("down", upstream, client).pump();
  }

  #faultsChanged(): void {
    for (const connection of this.#connections) {
      for (const lane of connection.lanes) lane.pump();
      const waiting = !connection.upstream && !connection.client.destroyed;
      if (waiting && !this.#faults.stalled.up) this.#connect(connection);
    }
  }
}
