/**
 * Sessions in Redis: a single server, the primary that Sentinels name, or a Cluster.
 *
 *     load     HGETALL                        1 command
 *     commit   EVALSHA: EXISTS, HGET…, HSET…, HDEL…, HSET, PEXPIRE
 *     touch    EVALSHA: EXISTS, HSET, PEXPIRE
 *     rotate   EVALSHA: EXISTS, RENAME, HSET, PEXPIRE, PUBLISH
 *     destroy  EVALSHA: DEL, PUBLISH
 *
 * Each is one round trip. A key is `<prefix>{<place>}:<hash>`: a rotation stays in its slot. The
 * sessions of a user are a sorted set of their own, in another slot, scored by when they may be over.
 *
 * What it does not guarantee: Redis replicates asynchronously. A replica that takes over may not know
 * of the last writes, and so of the last logout.
 * A server that evicts (`maxmemory-policy` other than noeviction) logs users out when it is full.
 */

import { requireBoolean, requireKnownOptions, requireText } from "@headroom/core/options";
import {
  integerReply,
  isRedisCluster,
  type RedisArgument,
  type RedisClient,
  type RedisCommands,
  type RedisConnection,
  requireRedisClient,
  sendRedis,
} from "@headroom/core/redis-client";
import type { RedisScript } from "@headroom/core/redis-script";
import type {
  Announcer,
  Change,
  CommitResult,
  Listing,
  NewSession,
  SessionListener,
  SessionMeta,
  SessionStore,
  StoredSession,
  Touch,
  UserEpochs,
  UserIndex,
  UserSession,
} from "../store.ts";
import { type AnnouncementChannels, RedisAnnouncements } from "./redis-announcements.ts";
import { readSession, readUserSession } from "./redis-hash.ts";
import * as scripts from "./redis-scripts.ts";
import { sentTogether } from "./sent-together.ts";

export interface RedisStoreOptions {
  /** Begins every key; two applications on one server have two prefixes. @default "session:" */
  readonly prefix?: string | undefined;
  /**
   * Tells the other processes of every change, so that what they keep of a session (`l1`) is not old.
   * It costs a `PUBLISH` a write.
   * @default false
   */
  readonly announceChanges?: boolean | undefined;
}

/**
 * Keeps sessions in Redis. The application makes the client, and closes it.
 * @throws TypeError when it is no client of ioredis; RangeError when it is a Cluster that reads from replicas.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  return new RedisStore(client, options);
}

const RESULTS: readonly CommitResult[] = ["gone", "ok", "conflict"];
/** An index is a superset: an entry outlives its session rather than the other way round. */
const INDEX_SLACK_MS = 60_000;

export class RedisStore implements SessionStore, UserIndex, UserEpochs, Announcer, Listing {
  readonly name = "redis";
  readonly announcesChanges: boolean;
  readonly #client: RedisClient;
  /** For what requests wait for. */
  readonly #together: RedisCommands;
  readonly #prefix: string;
  readonly #announcements: RedisAnnouncements;

  constructor(client: RedisClient, options: RedisStoreOptions) {
    requireKnownOptions("redisStore", options, ["prefix", "announceChanges"]);
    this.#client = requireRedisClient("client", client);
    this.#together = sentTogether(client);
    this.#prefix = requireText("prefix", options.prefix ?? "session:");
    this.announcesChanges = requireBoolean("announceChanges", options.announceChanges ?? false);
    this.#announcements = new RedisAnnouncements(this.#channels, () => this.#connection());
  }

  async load(key: string): Promise<StoredSession | undefined> {
    return readSession(await this.#together.callBuffer("hgetall", [this.#key(key)]));
  }

  async create(key: string, { fields, meta, seenAtMs, ttlMs }: NewSession): Promise<boolean> {
    const args: RedisArgument[] = [wholeMs(ttlMs), "m", JSON.stringify(meta), "s", seenAtMs];
    for (const [name, text] of fields) args.push(`f:${name}`, text);
    return (await this.#run(scripts.CREATE, [key], args)) === 1;
  }

  async commit(key: string, { set, del, expect }: Change, touch: Touch): Promise<CommitResult> {
    const { seenAtMs, ttlMs } = touch;
    const channel = this.announcesChanges ? this.#channels.changed : "";
    const args: RedisArgument[] = [wholeMs(ttlMs), seenAtMs, channel, key];
    args.push(expect?.size ?? 0, set.size);
    for (const [name, text] of expect ?? []) {
      args.push(`f:${name}`, text === undefined ? 0 : 1, text ?? "");
    }
    for (const [name, text] of set) args.push(`f:${name}`, text);
    for (const name of del) args.push(`f:${name}`);
    return RESULTS[await this.#run(scripts.COMMIT, [key], args)] ?? "gone";
  }

  async touch(key: string, { seenAtMs, ttlMs }: Touch): Promise<boolean> {
    return (await this.#run(scripts.TOUCH, [key], [wholeMs(ttlMs), seenAtMs])) === 1;
  }

  async rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    const { seenAtMs, ttlMs } = touch;
    const args = [wholeMs(ttlMs), seenAtMs, JSON.stringify(meta), this.#channels.gone, from];
    return (await this.#run(scripts.ROTATE, [from, to], args)) === 1;
  }

  async destroy(key: string): Promise<boolean> {
    return (await this.#run(scripts.DESTROY, [key], [this.#channels.gone, key])) === 1;
  }

  async enlist(userId: string, key: string, ttlMs: number): Promise<void> {
    const [seconds, micros] = (await sendRedis(this.#client, "time", [])) as Buffer[];
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    const untilMs = nowMs + wholeMs(ttlMs) + INDEX_SLACK_MS;
    await scripts.ENLIST.run(this.#client, [this.#index(userId)], [nowMs, untilMs, key]);
  }

  async strike(userId: string, key: string): Promise<void> {
    await sendRedis(this.#client, "zrem", [this.#index(userId), key]);
  }

  async ofUser(userId: string): Promise<readonly UserSession[]> {
    const reply = await sendRedis(this.#client, "zrange", [this.#index(userId), 0, -1]);
    const keys = (reply as Buffer[]).map(String);
    const found = await Promise.all(keys.map((key) => this.#ofUser(userId, key)));
    return found
      .filter((session) => session !== undefined)
      .sort((one, other) => other.seenAtMs - one.seenAtMs);
  }

  async epochOf(userId: string): Promise<number> {
    const reply = await sendRedis(this.#client, "get", [this.#epoch(userId)]);
    return reply === null ? 0 : Number(String(reply));
  }

  async raiseEpoch(userId: string, keepMs: number): Promise<void> {
    await scripts.RAISE_EPOCH.run(this.#client, [this.#epoch(userId)], [wholeMs(keepMs)]);
  }

  async forgetUser(userId: string): Promise<void> {
    await sendRedis(this.#client, "unlink", [this.#index(userId)]);
    await sendRedis(this.#client, "unlink", [this.#epoch(userId)]);
  }

  listen(listener: SessionListener): () => void {
    return this.#announcements.listen(listener);
  }

  /** `SCAN` of every node: it does not block the server, and takes long. */
  async *keys(): AsyncIterable<string> {
    const client = this.#client;
    const nodes = isRedisCluster(client) ? client.nodes("master") : [client];
    const pattern = `${this.#prefix.replace(/[\\*?[\]]/g, "\\$&")}{*`;
    for (const node of nodes) {
      let cursor = "0";
      do {
        const reply = await sendRedis(node, "scan", [cursor, "match", pattern, "count", 1_000]);
        const [next, found] = reply as [Buffer, Buffer[]];
        for (const key of found) yield this.#sessionKey(String(key));
        cursor = String(next);
      } while (cursor !== "0");
    }
  }

  async #ofUser(userId: string, key: string): Promise<UserSession | undefined> {
    const reply = await sendRedis(this.#client, "hmget", [this.#key(key), "m", "s"]);
    const session = readUserSession(key, reply as (Buffer | null)[]);
    if (session === undefined) await this.strike(userId, key);
    return session?.meta.userId === userId ? session : undefined;
  }

  async #run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<number> {
    const reply = await script.run(
      this.#together,
      keys.map((key) => this.#key(key)),
      args,
    );
    return integerReply(reply);
  }

  /** `place:hash` with the place as the hash tag: the keys of a rotation share a slot. */
  #key(key: string): string {
    const colon = key.indexOf(":");
    return `${this.#prefix}{${key.slice(0, colon)}}${key.slice(colon)}`;
  }

  /** The other way round. */
  #sessionKey(key: string): string {
    return key.slice(this.#prefix.length).replace(/[{}]/g, "");
  }

  #epoch(userId: string): string {
    return `${this.#prefix}epoch:${userId}`;
  }

  #index(userId: string): string {
    return `${this.#prefix}user:${userId}`;
  }

  get #channels(): AnnouncementChannels {
    return { gone: `${this.#prefix}gone`, changed: `${this.#prefix}changed` };
  }

  #connection(): RedisConnection {
    const client = this.#client;
    if (!isRedisCluster(client)) return client;
    const [node] = client.nodes("master");
    if (node === undefined) throw new Error("the Cluster has no master that is known yet");
    return node;
  }
}

/** Redis takes whole milliseconds, at least one. */
function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}
