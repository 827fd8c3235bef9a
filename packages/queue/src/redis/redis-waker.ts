/**
 * Who wakes a process that waits for jobs.
 *
 * Each queue has a marker: a list with one element at most, which a script puts there when there may
 * be something to claim. A process that has room for jobs waits for it with `BLPOP`. Redis gives the
 * one element to the one process that has waited longest, so a job that arrives wakes one process and
 * not all of them; and a claim that leaves jobs behind puts the marker back for the next.
 *
 * A process whose last claim brought all that it had room for is busy: it will ask again when it has
 * settled something. It does not wait for the marker then, and gives back one that reaches it.
 *
 * One connection waits for all queues, in a Cluster one for each, as a command may not touch two slots.
 * It is a duplicate of the application's client that never connects again by itself, because a client
 * that does may sit on a dead link, or forget the command that it was waiting with. It has a deadline
 * of its own, and after any failure there is a fresh one, soon. The first thing after that is to tell
 * everybody: what was missed meanwhile is not known.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import {
  isRedisCluster,
  type RedisClient,
  type RedisClusterClient,
  type RedisConnection,
  sendRedis,
} from "@headroom/core/redis-client";
import { RedisScript } from "@headroom/core/redis-script";
import { redisSlot } from "@headroom/hashing";
import { ALSO_WHEN_FULL } from "./redis-queue-lua.ts";

/** Short, so that work goes on within a second or two of the server's return. */
const RECONNECT: Backoff = fullJitterBackoff({ baseMs: 50, maxMs: 500 });
/** How long the server keeps a `BLPOP` open. */
const WAIT_SECONDS = 4;

/** KEYS: a list of one process. ARGV: none. Ends its wait; the list is no key for long. */
const NUDGE: RedisScript = new RedisScript(`${ALSO_WHEN_FULL}
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('LPUSH', KEYS[1], 1) end
return redis.call('PEXPIRE', KEYS[1], 60000)
`);

/** KEYS: a marker. ARGV: none. Puts it back. */
const GIVE_BACK: RedisScript = new RedisScript(`${ALSO_WHEN_FULL}
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('LPUSH', KEYS[1], 1) end
return 1
`);

export interface RedisWakerOptions {
  readonly client: RedisClient;
  /** A text that no other process has. */
  readonly origin: string;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** A marker that is waited for. */
export interface WakerEntry {
  /** Resolves when the process waits for it. */
  readonly ready: Promise<void>;
  close(): void;
}

export class RedisWaker {
  readonly #options: RedisWakerOptions;
  /** By marker in a Cluster, else one. */
  readonly #lines = new Map<string, WakeLine>();

  constructor(options: RedisWakerOptions) {
    this.#options = options;
  }

  /** @param marker the key of the list. */
  add(marker: string, tell: () => void): WakerEntry {
    const { client, prefix, origin } = this.#options;
    const name = isRedisCluster(client) ? marker : prefix;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new WakeLine(this.#options, `${name}:self:${origin}`);
      this.#lines.set(name, line);
    }
    return line.add(marker, tell);
  }

  /** What the last claim said: whether this process has room for more. */
  claimed(marker: string, hasRoom: boolean): void {
    const { client, prefix } = this.#options;
    this.#lines.get(isRedisCluster(client) ? marker : prefix)?.claimed(marker, hasRoom);
  }

  close(): void {
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
  }
}

interface Marker {
  readonly listeners: Set<() => void>;
  hasRoom: boolean;
}

class WakeLine {
  readonly #options: RedisWakerOptions;
  /** A list of our own, to end a wait that does not know of a new marker. */
  readonly #self: string;
  readonly #markers = new Map<string, Marker>();
  /** What the wait that is under way is for. */
  #waitsFor: readonly string[] = [];
  #newcomers: (() => void)[] = [];
  #connection: RedisConnection | undefined;
  /** Fails what is awaited on the connection. */
  #fail: ((error: Error) => void) | undefined;
  #isRunning = false;

  constructor(options: RedisWakerOptions, self: string) {
    this.#options = options;
    this.#self = self;
  }

  add(name: string, tell: () => void): WakerEntry {
    let marker = this.#markers.get(name);
    if (marker === undefined) {
      marker = { listeners: new Set(), hasRoom: true };
      this.#markers.set(name, marker);
    }
    marker.listeners.add(tell);
    const { listeners } = marker;
    const ready = this.#isWaitedFor(name) ? Promise.resolve() : this.#untilWaiting();
    if (!this.#isRunning) {
      this.#isRunning = true;
      // Those that are added in one go are waited for in one go.
      process.nextTick(() => void this.#run());
    } else this.#nudge(name);
    const close = (): void => {
      listeners.delete(tell);
      if (listeners.size === 0 && this.#markers.get(name)?.listeners === listeners) {
        this.#markers.delete(name);
      }
      if (this.#markers.size === 0) this.#disconnect();
    };
    return { ready, close };
  }

  claimed(name: string, hasRoom: boolean): void {
    const marker = this.#markers.get(name);
    if (marker === undefined) return;
    marker.hasRoom = hasRoom;
    if (hasRoom) this.#nudge(name);
  }

  close(): void {
    this.#markers.clear();
    this.#disconnect();
  }

  #isWaitedFor(name: string): boolean {
    return this.#waitsFor.includes(name);
  }

  #untilWaiting(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = clock.timer(
        () => reject(new Error(`no connection within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#newcomers.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Ends a wait that is under way without this marker; one that begins later has it. */
  #nudge(name: string): void {
    if (this.#waitsFor.length === 0 || this.#isWaitedFor(name)) return;
    this.#waitsFor = [...this.#waitsFor, name];
    NUDGE.run(this.#options.client, [this.#self], []).catch(() => {});
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    for (let attempt = 0; this.#markers.size > 0; attempt++) {
      if (attempt > 0) await clock.sleep(attempt === 1 ? 0 : RECONNECT(attempt, random, 0));
      const connection = this.#open();
      if (connection === undefined) continue;
      try {
        await this.#within(this.#options.timeoutMs, connection.connect());
        if (attempt > 0) this.#tellAll();
        for (; this.#markers.size > 0; attempt = 0) await this.#wait(connection);
      } catch {
        if (isRedisCluster(this.#options.client)) this.#options.client.refreshSlotsCache();
      } finally {
        this.#waitsFor = [];
        this.#disconnect();
      }
    }
    this.#isRunning = false;
  }

  async #wait(connection: RedisConnection): Promise<void> {
    const open = [...this.#markers].filter(([, { hasRoom }]) => hasRoom).map(([name]) => name);
    this.#waitsFor = [...open, this.#self];
    const { timeoutMs } = this.#options;
    const popped = sendRedis(connection, "blpop", [...this.#waitsFor, WAIT_SECONDS]);
    for (const resolve of this.#newcomers.splice(0)) resolve();
    const reply = await this.#within(WAIT_SECONDS * 1_000 + timeoutMs, popped);
    if (Array.isArray(reply)) this.#popped(String(reply[0]));
  }

  /** @param key with a prefix of the client's own, if it has one. */
  #popped(key: string): void {
    if (key.endsWith(this.#self)) return;
    const name = this.#waitsFor.find((each) => key.endsWith(each));
    const marker = name === undefined ? undefined : this.#markers.get(name);
    if (marker?.hasRoom) tell(marker);
    else if (name !== undefined) {
      GIVE_BACK.run(this.#options.client, [name], []).catch(() => {});
    }
  }

  #tellAll(): void {
    for (const marker of this.#markers.values()) tell(marker);
  }

  #open(): RedisConnection | undefined {
    const { client } = this.#options;
    const [name = ""] = this.#markers.keys();
    const original = isRedisCluster(client) ? masterOf(client, name) : client;
    const connection = original?.duplicate({
      lazyConnect: true,
      autoResubscribe: false,
      enableAutoPipelining: false,
      enableReadyCheck: false,
      retryStrategy: () => null,
      // Our own deadline is later than the server's; a command timeout of the client's may not be.
      commandTimeout: 2 * (WAIT_SECONDS * 1_000 + this.#options.timeoutMs),
    });
    this.#connection = connection;
    connection?.on("error", () => {});
    connection?.on("end", () => {
      if (connection === this.#connection) this.#fail?.(new Error("the connection has ended"));
    });
    return connection;
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#fail?.(new Error("the connection is closed"));
    connection?.disconnect();
  }

  #within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        timer.cancel();
        this.#fail = undefined;
        reject(error);
      };
      const timer = this.#options.clock.timer(() => fail(new Error("no answer in time")), ms);
      this.#fail = fail;
      work.then((result) => {
        timer.cancel();
        this.#fail = undefined;
        resolve(result);
      }, fail);
    });
  }
}

function tell({ listeners }: Marker): void {
  for (const listener of [...listeners]) listener();
}

/** The connection to the master that serves a key; any, while it is not known. */
function masterOf(client: RedisClusterClient, key: string): RedisConnection | undefined {
  const masters = client.nodes("master");
  const address = client.slots[redisSlot(key)]?.[0];
  const serving = masters.find(({ options }) => `${options?.host}:${options?.port}` === address);
  return serving ?? masters[0];
}
