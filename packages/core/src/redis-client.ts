/**
 * The little that Headroom asks of a Redis client.
 *
 * The application makes the client, with its passwords, its TLS and its reconnecting, and hands it
 * to us. These types are what `Redis` (a single server, or the primary that Sentinels name) and
 * `Cluster` of ioredis 5 and 6 have in common with each other and with what we need: no package of
 * ours imports ioredis, and a stand-in for tests is a dozen lines.
 *
 * Replies are asked for as bytes (`callBuffer`): a stored value is not text. Integers are numbers,
 * unless the client was made with `stringNumbers`: {@link integerReply} reads both.
 */

import { requireMethods } from "./options.ts";

/** What a command may be given. Lists and objects are no values: ioredis would flatten them. */
export type RedisArgument = string | Buffer | number;

/** Sends commands to where their keys are. Call {@link sendRedis}, not its methods. */
export interface RedisCommands {
  callBuffer(command: string, args: RedisArgument[]): Promise<unknown>;
  pipeline?(): RedisPipeline;
  readonly options?:
    | {
        readonly enableAutoPipelining?: boolean | undefined;
        /** Of a connection: where it goes to. */
        readonly host?: string | undefined;
        readonly port?: number | undefined;
      }
    | undefined;
}

/** Commands that are sent together. */
export interface RedisPipeline {
  callBuffer(command: string, args: RedisArgument[]): unknown;
  /** Of each command its error, or null and its reply. */
  exec(): Promise<[error: Error | null, reply: unknown][] | null>;
}

/** The options in which a connection of ours differs from the application's. */
export interface RedisConnectionOverrides {
  readonly lazyConnect?: boolean;
  readonly autoResubscribe?: boolean;
  readonly enableReadyCheck?: boolean;
  readonly enableOfflineQueue?: boolean;
  readonly enableAutoPipelining?: boolean;
  readonly maxRetriesPerRequest?: number | null;
  readonly protocol?: 2 | 3;
  /** Null: it never connects again by itself. */
  readonly retryStrategy?: () => null;
  readonly sentinelRetryStrategy?: () => null;
  readonly commandTimeout?: number;
}

/** ioredis' `Redis`: one server, or through Sentinels the one that is primary. */
export interface RedisConnection extends RedisCommands {
  connect(): Promise<void>;
  /** A new connection of the same address and credentials. Whoever makes it closes it. */
  duplicate(overrides: RedisConnectionOverrides): RedisConnection;
  /** Closes at once, without waiting for replies. */
  disconnect(): void;
  on(event: "messageBuffer", listener: (channel: Buffer, message: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

/** ioredis' `Cluster`. */
export interface RedisClusterClient extends RedisCommands {
  /** A connection to each node that is known now; `"all"` unless told otherwise. */
  nodes(role?: "all" | "master" | "slave"): RedisConnection[];
  /** For each slot its nodes as `"host:port"`, the master first; what is not known yet is missing. */
  readonly slots: readonly (readonly string[] | undefined)[];
  /**
   * Asks the nodes who serves which slots now. By itself a client asks when it is told `MOVED` or
   * loses a connection; from a master that is frozen, and has long been replaced, it hears neither.
   */
  refreshSlotsCache(): void;
}

/** A client of ioredis as the application made it. */
export type RedisClient = RedisConnection | RedisClusterClient;

/** Whether keys of one command have to share a slot. */
export function isRedisCluster(client: RedisClient): client is RedisClusterClient {
  return "nodes" in client && typeof client.nodes === "function";
}

/**
 * Checks that `client` can be used where a write must be seen by the next read.
 *
 * @throws TypeError when it is no client of ioredis.
 * @throws RangeError when it is a Cluster whose `scaleReads` sends reads to replicas: these lag
 *   behind, and would answer with what has just been replaced.
 */
export function requireRedisClient<Client extends RedisClient>(
  name: string,
  client: Client,
): Client {
  requireMethods<RedisCommands>(name, client, ["callBuffer"]);
  if (!isRedisCluster(client)) {
    requireMethods<RedisConnection>(name, client, ["duplicate", "disconnect", "on"]);
    return client;
  }
  const options = "options" in client ? client.options : undefined;
  const scaleReads =
    typeof options === "object" && options !== null && "scaleReads" in options
      ? options.scaleReads
      : "master";
  if (scaleReads === "master" || scaleReads === undefined) return client;
  const shown = typeof scaleReads === "string" ? JSON.stringify(scaleReads) : typeof scaleReads;
  throw new RangeError(
    `${name} must read from masters, got a Cluster with scaleReads ${shown}: replicas lag behind`,
  );
}

/**
 * One command; bulk replies are `Buffer`s.
 *
 * A client with `enableAutoPipelining` loses the name of a command that is given to its
 * `callBuffer`, and ends the process over it (ioredis 6.0.0, `autoPipelining.js`). To such a
 * client the command goes as a pipeline of one.
 *
 * @param command in lower case, as ioredis looks it up.
 * @throws what the client rejects with.
 */
export function sendRedis(
  client: RedisCommands,
  command: string,
  args: RedisArgument[],
): Promise<unknown> {
  if (client.options?.enableAutoPipelining !== true || client.pipeline === undefined) {
    return client.callBuffer(command, args);
  }
  return sendAlone(client.pipeline(), command, args);
}

async function sendAlone(
  pipeline: RedisPipeline,
  command: string,
  args: RedisArgument[],
): Promise<unknown> {
  pipeline.callBuffer(command, args);
  const [outcome] = (await pipeline.exec()) ?? [];
  if (outcome === undefined) throw new Error("Connection is closed.");
  const [error, reply] = outcome;
  if (error !== null) throw error;
  return reply;
}

/** The number of an integer reply, also of a client that gives numbers as text. */
export function integerReply(reply: unknown): number {
  return typeof reply === "number" ? reply : Number(String(reply));
}
