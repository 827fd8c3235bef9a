/**
 * The store on one Redis: a single server, the primary that Sentinels name, or a Cluster.
 *
 * A value that is there costs one `MGET` for all that is read in the same moment; everything else is
 * a script (`redis-scripts.ts`). In a Cluster commands are grouped by slot, because one may not
 * touch two, and each master has a guard of its own: one that is down must not close the others.
 *
 * What it does not guarantee: Redis replicates asynchronously, so a replica that takes over may not
 * know of the last invalidations. Entries run out by themselves; their time to live is the backstop.
 */

import {
  integerReply,
  isRedisCluster,
  type RedisArgument,
  type RedisClient,
  sendRedis,
} from "@headroom/core/redis-client";
import type { RedisScript } from "@headroom/core/redis-script";
import { TickBatch } from "@headroom/core/tick-batch";
import { redisSlot } from "@headroom/hashing";
import { OperationGuard } from "../operation-guard.ts";
import type {
  CacheStore,
  Fill,
  InvalidateOptions,
  LeaseReply,
  LeaseRequest,
  StoreContext,
  StoredBytes,
  TagReading,
  Write,
} from "../store.ts";
import { CachePartitionError } from "../store-errors.ts";
import { keysMessage, tagsMessageHead } from "./bus-message.ts";
import { redisFailure } from "./redis-failure.ts";
import { RedisKeys } from "./redis-keys.ts";
import * as scripts from "./redis-scripts.ts";
import type { RedisStoreRules } from "./redis-store-options.ts";

/** More in one command would hold up the server's other clients. */
const MOST_READS = 256;
const MOST_IN_SCRIPT = 64;
/** So many bumped tags are remembered; about 10 MB of the server's memory. */
const MOST_TAGS = 100_000;

export interface RedisServer {
  /** For errors and telemetry: `"redis"`. */
  readonly name: string;
  readonly client: RedisClient;
  /** Which partition of the whole store it is. */
  readonly partition: number;
}

/** A key of the cache with its key of Redis. */
interface Placed {
  readonly key: string;
  readonly value: string;
}

interface Invalidation extends Placed {
  readonly holdForMs: number;
}

export class RedisServerStore implements CacheStore {
  readonly name: string;
  readonly partitions = 1;
  readonly #client: RedisClient;
  readonly #partition: number;
  readonly #context: StoreContext;
  readonly #rules: RedisStoreRules;
  readonly #keys: RedisKeys;
  /** By master in a Cluster, else one. */
  readonly #guards = new Map<string, OperationGuard>();
  readonly #reads: TickBatch<string, StoredBytes | undefined>;
  readonly #leases: TickBatch<LeaseRequest & Placed, LeaseReply>;
  readonly #fills: TickBatch<Fill & Placed, boolean>;
  readonly #writes: TickBatch<Write & Placed, undefined>;
  readonly #invalidations: TickBatch<Invalidation, undefined>;

  constructor(server: RedisServer, context: StoreContext, rules: RedisStoreRules) {
    this.name = server.name;
    this.#client = server.client;
    this.#partition = server.partition;
    this.#context = context;
    this.#rules = rules;
    this.#keys = new RedisKeys(rules.keyPrefix, context.cache);
    const slotOf = isRedisCluster(server.client) ? redisSlot : () => 0;
    this.#reads = new TickBatch({ groupOf: slotOf, send: this.#read, most: MOST_READS });
    const byKey = { groupOf: ({ value }: Placed) => slotOf(value), most: MOST_IN_SCRIPT };
    this.#leases = new TickBatch({ ...byKey, send: this.#lease });
    this.#fills = new TickBatch({ ...byKey, send: this.#fill });
    this.#writes = new TickBatch({ ...byKey, send: this.#write });
    this.#invalidations = new TickBatch({ ...byKey, send: this.#invalidate });
  }

  partitionOf(): number {
    return this.#partition;
  }

  /** Whether the circuit of the one server lets calls through; of a Cluster, always. */
  get isWell(): boolean {
    return isRedisCluster(this.#client) || this.#guardOf(0).isClosed;
  }

  /** Asks the server for nothing, through the guard: that is how an open circuit closes. */
  async ping(): Promise<void> {
    await this.#guarded(0, () => sendRedis(this.#client, "ping", []));
  }

  read(keys: readonly string[]): Promise<readonly (StoredBytes | undefined)[]> {
    return this.#reads.all(keys.map((key) => this.#keys.value(key)));
  }

  lease(requests: readonly LeaseRequest[]): Promise<readonly LeaseReply[]> {
    return this.#leases.all(requests.map(this.#place));
  }

  async renew(key: string, token: string, leaseMs: number): Promise<boolean> {
    const placed = this.#place({ key });
    const reply = await this.#run(scripts.RENEW, [placed], [token, wholeMs(leaseMs)]);
    return integerReply(reply) === 1;
  }

  async release(key: string, token: string): Promise<void> {
    await this.#run(scripts.RELEASE, [this.#place({ key })], [token]);
  }

  fill(fills: readonly Fill[]): Promise<readonly boolean[]> {
    return this.#fills.all(fills.map(this.#place));
  }

  async write(writes: readonly Write[]): Promise<void> {
    const elsewhere = writes.find(({ partition }) => partition !== this.#partition);
    if (elsewhere !== undefined) throw new CachePartitionError(this.name, elsewhere.partition);
    await this.#writes.all(writes.map(this.#place));
  }

  async invalidate(keys: readonly string[], { holdForMs }: InvalidateOptions): Promise<void> {
    await this.#invalidations.all(keys.map((key) => this.#place({ key, holdForMs })));
  }

  async bump(tags: readonly string[]): Promise<readonly TagReading[]> {
    const { channel } = this.#keys;
    const head = tagsMessageHead(this.#context.origin, tags);
    const rememberMs = Math.ceil(this.#rules.rememberTagsMs);
    const args = [channel, head, rememberMs, MOST_TAGS, ...tags];
    const [sequence = 0, floor = 0] = await this.#onTags(scripts.BUMP, args);
    return [{ partition: this.#partition, sequence, floor, bumps: tags.map(() => sequence) }];
  }

  async tags(partition: number, tags: readonly string[]): Promise<TagReading> {
    if (partition !== this.#partition) throw new CachePartitionError(this.name, partition);
    const [sequence = 0, floor = 0, ...bumps] = await this.#onTags(scripts.TAGS, tags);
    return { partition, sequence, floor, bumps };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  readonly #read = (
    values: readonly string[],
    slot: number,
  ): Promise<readonly (StoredBytes | undefined)[]> => {
    const replies = this.#guarded(slot, () => sendRedis(this.#client, "mget", [...values]));
    return replies.then((found) => (found as (Buffer | null)[]).map(this.#found));
  };

  readonly #found = (bytes: Buffer | null): StoredBytes | undefined =>
    bytes === null ? undefined : { bytes, partition: this.#partition };

  readonly #lease = async (
    requests: readonly (LeaseRequest & Placed)[],
  ): Promise<readonly LeaseReply[]> => {
    const args: RedisArgument[] = [];
    for (const { token, leaseMs, refresh } of requests) {
      args.push(token, wholeMs(leaseMs), refresh ? 1 : 0);
    }
    const late = (replies: unknown): void => this.#giveBack(requests, replies as unknown[]);
    const replies = (await this.#run(scripts.LEASE, requests, args, late)) as unknown[];
    return replies.map((reply) => leaseReply(reply, this.#partition));
  };

  /**
   * Leases that were granted too late: nobody uses them, and others would wait until they run out.
   * Without the guard, because the delay may have opened the circuit, and the server answers now.
   */
  #giveBack(requests: readonly (LeaseRequest & Placed)[], replies: readonly unknown[]): void {
    requests.forEach(({ value, token }, at) => {
      if (leaseReply(replies[at], this.#partition).kind !== "granted") return;
      const keys = [value, this.#keys.lease(value)];
      scripts.RELEASE.run(this.#client, keys, [token]).catch(() => {});
    });
  }

  readonly #fill = async (fills: readonly (Fill & Placed)[]): Promise<readonly boolean[]> => {
    const args: RedisArgument[] = [];
    for (const { token, ttlMs, bytes } of fills) args.push(token, wholeMs(ttlMs), asBuffer(bytes));
    const replies = (await this.#run(scripts.FILL, fills, args)) as unknown[];
    return replies.map((reply) => integerReply(reply) === 1);
  };

  readonly #write = async (writes: readonly (Write & Placed)[]): Promise<readonly undefined[]> => {
    const args: RedisArgument[] = this.#announcement(writes);
    for (const { ttlMs, bytes } of writes) args.push(wholeMs(ttlMs), asBuffer(bytes));
    await this.#run(scripts.WRITE, writes, args);
    return [];
  };

  readonly #invalidate = async (
    invalidations: readonly Invalidation[],
  ): Promise<readonly undefined[]> => {
    const args: RedisArgument[] = this.#announcement(invalidations);
    for (const { holdForMs } of invalidations) args.push(Math.ceil(holdForMs));
    await this.#run(scripts.INVALIDATE, invalidations, args);
    return [];
  };

  /** The channel, and the message that these keys have changed. */
  #announcement(changed: readonly Placed[]): RedisArgument[] {
    const keys = changed.map(({ key }) => key);
    return [this.#keys.channel, keysMessage(this.#context.origin, keys)];
  }

  readonly #place = <Item extends { readonly key: string }>(item: Item): Item & Placed => ({
    ...item,
    value: this.#keys.value(item.key),
  });

  /** A script on keys that share a slot. */
  #run(
    script: RedisScript,
    placed: readonly Placed[],
    args: readonly RedisArgument[],
    late?: (replies: unknown) => void,
  ): Promise<unknown> {
    const keys: string[] = [];
    for (const { value } of placed) keys.push(value, this.#keys.lease(value));
    const slot = this.#slotOf(placed[0]?.value ?? "");
    return this.#guarded(slot, () => script.run(this.#client, keys, args), late);
  }

  async #onTags(
    script: RedisScript,
    args: readonly (string | number)[],
  ): Promise<(number | undefined)[]> {
    const { tags } = this.#keys;
    const reply = await this.#guarded(this.#slotOf(tags), () =>
      script.run(this.#client, [tags], args),
    );
    return (reply as unknown[]).map((each) => (each === null ? undefined : integerReply(each)));
  }

  #slotOf(redisKey: string): number {
    return isRedisCluster(this.#client) ? redisSlot(redisKey) : 0;
  }

  #guarded<Result>(
    slot: number,
    operation: () => Promise<Result>,
    late?: (result: Result) => void,
  ): Promise<Result> {
    return this.#guardOf(slot).run(operation, late);
  }

  #guardOf(slot: number): OperationGuard {
    const client = this.#client;
    const master = isRedisCluster(client) ? client.slots[slot]?.[0] : undefined;
    const name = master === undefined ? this.name : `${this.name}:${master}`;
    let guard = this.#guards.get(name);
    if (guard === undefined) {
      const { timeoutMs, circuit } = this.#rules;
      const { clock } = this.#context;
      const errorOf = (error: unknown) => redisFailure(name, error);
      // A master that does not answer may have been replaced, and nobody has told the client.
      const onTimeout = isRedisCluster(client) ? () => client.refreshSlotsCache() : undefined;
      guard = new OperationGuard({ name, timeoutMs, circuit, clock, errorOf, onTimeout });
      this.#guards.set(name, guard);
    }
    return guard;
  }
}

function leaseReply(reply: unknown, partition: number): LeaseReply {
  if (Array.isArray(reply)) return { kind: "value", bytes: reply[0] as Buffer, partition };
  const kind = (["granted", "held", "on-hold"] as const)[integerReply(reply) - 1] ?? "held";
  return { kind, partition };
}

/** Redis takes whole milliseconds, at least one. */
function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

/** The same bytes as ioredis wants them; it would make text of any other array. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
