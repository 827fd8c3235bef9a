/**
 * One connection that hears everything published on some channels, or knows that it does not.
 *
 * A subscriber is silent when nothing happens and silent when its link is dead, and a stalled link
 * may stay so for a quarter of an hour before TCP gives up. So this one sends itself a *pulse*: at
 * each interval it publishes on a channel of its own, through the client by which the store sends,
 * and hears it on the connection on which it would hear the others. A pulse that is not back after
 * an interval means a gap, and a new connection.
 *
 * The connection is a duplicate of the application's client that never connects again by itself: a
 * gap must begin when the old connection ends, and end when the new one is subscribed. In a Cluster
 * it goes to one of the nodes, another at each attempt; what is published at any is told at all.
 */

import { type Backoff, fullJitterBackoff } from "./backoff.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Random } from "./random.ts";
import {
  isRedisCluster,
  type RedisClient,
  type RedisConnection,
  sendRedis,
} from "./redis-client.ts";

export interface RedisSubscriptionOptions {
  readonly client: RedisClient;
  /** Those to be heard now; when there are more, call `refresh`. */
  channels(): readonly string[];
  /** A channel that nobody else has, for the pulse. */
  readonly pulse: string;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly random: Random;
  message(payload: Buffer, channel: string): void;
  gap(): void;
  synced(): void;
}

/** Waits between two attempts to connect; what has just broken is tried again at once. */
const RECONNECT: Backoff = fullJitterBackoff({ baseMs: 50, maxMs: 1_000 });

export class RedisSubscription {
  readonly #options: RedisSubscriptionOptions;
  #connection: RedisConnection | undefined;
  #isSynced = false;
  #isClosed = false;
  /** Since it was subscribed last. */
  #attempts = 0;
  /** Whose turn among the nodes of a Cluster: not the same node first in every process. */
  #turn: number;
  #reconnectTimer: Timer | undefined;
  #beatTimer: Timer | undefined;
  /** Ends an attempt to connect that hangs. */
  #attemptTimer: Timer | undefined;
  #isPulseDue = false;
  #isPublishing = false;

  constructor(options: RedisSubscriptionOptions) {
    this.#options = options;
    this.#turn = Math.floor(options.random() * 1_000);
  }

  start(): void {
    this.#connect();
    this.#beatTimer = this.#options.clock.timer(this.#beat, this.#options.heartbeatMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#beatTimer?.cancel();
    this.#reconnectTimer?.cancel();
    this.#attemptTimer?.cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.disconnect();
  }

  /** Hears channels too that have come since. Resolves when it does; a gap begins if it cannot. */
  async refresh(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || !this.#isSynced) return;
    try {
      await sendRedis(connection, "subscribe", [...this.#options.channels()]);
    } catch {
      this.#lose(connection);
    }
  }

  /** Whether all of the channels are heard now. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** What is heard cannot be understood: whatever it said was missed. */
  resync(): void {
    if (!this.#isSynced) return;
    this.#options.gap();
    this.#options.synced();
  }

  #connect(): void {
    this.#attempts += 1;
    const original = this.#original();
    if (original === undefined) this.#reconnect();
    else this.#open(original);
  }

  #open(original: RedisConnection): void {
    const connection = original.duplicate({
      lazyConnect: true,
      autoResubscribe: false,
      enableAutoPipelining: false,
      retryStrategy: () => null,
    });
    this.#connection = connection;
    const lose = (): void => this.#lose(connection);
    connection.on("error", () => {});
    connection.on("end", lose);
    connection.on("messageBuffer", (channel, payload) => this.#hear(connection, channel, payload));
    const { clock, heartbeatMs } = this.#options;
    this.#attemptTimer = clock.timer(lose, 2 * heartbeatMs);
    this.#subscribe(connection).catch(lose);
  }

  /** Whom to imitate; in a Cluster nobody, before it knows its nodes. */
  #original(): RedisConnection | undefined {
    const { client } = this.#options;
    if (!isRedisCluster(client)) return client;
    const nodes = client.nodes();
    this.#turn += 1;
    return nodes[this.#turn % nodes.length];
  }

  async #subscribe(connection: RedisConnection): Promise<void> {
    await connection.connect();
    await sendRedis(connection, "subscribe", [...this.#options.channels(), this.#options.pulse]);
    if (connection !== this.#connection) return;
    this.#attemptTimer?.cancel();
    this.#attempts = 0;
    this.#isPulseDue = false;
    this.#isSynced = true;
    this.#options.synced();
  }

  #hear(connection: RedisConnection, channel: Buffer, payload: Buffer): void {
    if (connection !== this.#connection) return;
    const name = channel.toString();
    if (name === this.#options.pulse) this.#isPulseDue = false;
    else this.#options.message(payload, name);
  }

  #lose(connection: RedisConnection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#attemptTimer?.cancel();
    connection.disconnect();
    const wasSynced = this.#isSynced;
    this.#isSynced = false;
    if (wasSynced) this.#options.gap();
    this.#reconnect();
  }

  #reconnect(): void {
    if (this.#isClosed) return;
    const { clock, random } = this.#options;
    const delayMs = this.#attempts === 0 ? 0 : RECONNECT(this.#attempts, random, 0);
    this.#reconnectTimer = clock.timer(() => this.#connect(), delayMs);
  }

  readonly #beat = (): void => {
    const { clock, heartbeatMs } = this.#options;
    // In the next turn of the loop: a process that was held up has not yet read what is there.
    this.#beatTimer = clock.timer(() => {
      if (this.#isSynced && this.#isPulseDue && this.#connection !== undefined) {
        this.#lose(this.#connection);
      }
      if (this.#isSynced) this.#sendPulse();
      this.#beatTimer = clock.timer(this.#beat, heartbeatMs);
    }, 0);
  };

  /** At most one is under way: a client that is not connected would queue them all. */
  #sendPulse(): void {
    this.#isPulseDue = true;
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    const done = (): void => {
      this.#isPublishing = false;
    };
    sendRedis(this.#options.client, "publish", [this.#options.pulse, ""]).then(done, done);
  }
}
