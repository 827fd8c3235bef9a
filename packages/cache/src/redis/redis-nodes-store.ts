/**
 * The store on several Redis servers that know nothing of each other.
 *
 * Each key has a *home*, found on a hash ring, and after it on the ring its *stand-in* (the "gutter"
 * of the paper). While a home is down its keys go to their stand-ins, with a short time to live, and
 * come back as soon as it is well. Nothing is rehashed: a server that is down for a minute must not
 * move the keys of all others, nor be found with old values of keys that moved away and back.
 *
 * A process cannot know what the others think of a server. One may still use the home that another
 * has given up. So whatever removes a value removes it from all places that it may have: an
 * invalidation goes to home and stand-in, always, and resolves only when all were reached. Leases
 * need no agreement either, as each place refuses on its own what was loaded before it was told.
 *
 * `hotKeys` adds places: a key that a process reads very often is at one of its `copies` places for
 * that process, each an entry of its own, with its own lease and load. More than two places mean
 * that every invalidation of *any* key goes to as many servers.
 *
 * A server that is down is asked by a ping of ours when its circuit lets one through, so no
 * request of a user has to find out that it is back.
 *
 * Source of the gutter: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.3.
 */

import type { CircuitOpenError } from "@headroom/core/circuit-breaker";
import type { Timer } from "@headroom/core/clock";
import { isHeadroomError } from "@headroom/core/errors";
import { createRing, murmur3, type Ring } from "@headroom/hashing";
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
import { CachePartitionError, CacheStorePartialError } from "../store-errors.ts";
import { HotKeys } from "./hot-keys.ts";
import type { PlacedNode } from "./redis-nodes.ts";
import { RedisServerStore } from "./redis-server-store.ts";
import type { RedisStoreRules } from "./redis-store-options.ts";

/** How long a value may stay with a stand-in: the home is expected back, and will be asked again. */
const STAND_IN_TTL_MS = 10_000;

export interface RedisNodesRules extends RedisStoreRules {
  /** At how many places a hot key may be; 1: there are no hot keys. */
  readonly copies: number;
}

interface Route {
  readonly partition: number;
  readonly isStandIn: boolean;
}

export class RedisNodesStore implements CacheStore {
  readonly name = "redis";
  readonly partitions: number;
  readonly #nodes: readonly PlacedNode[];
  readonly #ring: Ring<PlacedNode>;
  readonly #servers: readonly RedisServerStore[];
  readonly #context: StoreContext;
  readonly #rules: RedisNodesRules;
  /** How many places a key may be at. */
  readonly #width: number;
  readonly #hotKeys: HotKeys | undefined;
  /** Which of the places of a hot key this process uses. */
  readonly #copy: number;
  readonly #probes = new Map<number, Timer>();
  #isClosed = false;

  constructor(nodes: readonly PlacedNode[], context: StoreContext, rules: RedisNodesRules) {
    this.#nodes = nodes;
    this.partitions = nodes.length;
    this.#ring = createRing(nodes);
    this.#context = context;
    this.#rules = rules;
    const copies = Math.min(rules.copies, nodes.length);
    this.#width = Math.max(2, copies);
    this.#hotKeys = copies > 1 ? new HotKeys() : undefined;
    this.#copy = murmur3(context.origin) % copies;
    this.#servers = nodes.map((node) => this.#serverOf(node));
  }

  partitionOf(key: string): number {
    return this.#routeOf(key).partition;
  }

  read(keys: readonly string[]): Promise<readonly (StoredBytes | undefined)[]> {
    if (this.#hotKeys !== undefined) for (const key of keys) this.#hotKeys.count(key);
    return this.#atPlaces(keys, keys, (server, some) => server.read(some));
  }

  lease(requests: readonly LeaseRequest[]): Promise<readonly LeaseReply[]> {
    return this.#atPlaces(keysOf(requests), requests, (server, some) => server.lease(some));
  }

  renew(key: string, token: string, leaseMs: number): Promise<boolean> {
    return this.#server(this.partitionOf(key)).renew(key, token, leaseMs);
  }

  release(key: string, token: string): Promise<void> {
    return this.#server(this.partitionOf(key)).release(key, token);
  }

  fill(fills: readonly Fill[]): Promise<readonly boolean[]> {
    const capped = fills.map((fill) => this.#withTtlOfItsPlace(fill));
    return this.#atPlaces(keysOf(fills), capped, (server, some) => server.fill(some));
  }

  /** At the one place, and removed from the others. */
  async write(writes: readonly Write[]): Promise<void> {
    const elsewhere = writes.find(({ key, partition }) => partition !== this.partitionOf(key));
    if (elsewhere !== undefined) throw new CachePartitionError(this.name, elsewhere.partition);
    await this.#everywhere((partition) => {
      const server = this.#server(partition);
      const here = writes.filter((write) => write.partition === partition);
      const others = writes.filter((write) => write.partition !== partition);
      const away = this.#keysAt(partition, keysOf(others));
      const done: Promise<void>[] = [];
      if (here.length > 0)
        done.push(server.write(here.map((each) => this.#withTtlOfItsPlace(each))));
      if (away.length > 0) done.push(server.invalidate(away, { holdForMs: 0 }));
      return Promise.all(done);
    });
  }

  async invalidate(keys: readonly string[], options: InvalidateOptions): Promise<void> {
    await this.#everywhere(async (partition) => {
      const here = this.#keysAt(partition, keys);
      if (here.length > 0) await this.#server(partition).invalidate(here, options);
    });
  }

  async bump(tags: readonly string[]): Promise<readonly TagReading[]> {
    const readings = await this.#everywhere((partition) => this.#server(partition).bump(tags));
    return readings.flat();
  }

  async tags(partition: number, tags: readonly string[]): Promise<TagReading> {
    return this.#server(partition).tags(partition, tags);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#probes.values()) timer.cancel();
    return Promise.resolve();
  }

  /** The place for this process now: the key's own if it is well, else the next that is. */
  #routeOf(key: string): Route {
    const places = this.#ring.locateN(key, this.#width);
    const own = this.#hotKeys?.isHot(key) ? this.#copy : 0;
    for (let step = 0; step < places.length; step++) {
      const partition = places[(own + step) % places.length]?.partition ?? 0;
      if (this.#server(partition).isWell) return { partition, isStandIn: step > 0 };
    }
    return { partition: places[own]?.partition ?? 0, isStandIn: false };
  }

  #withTtlOfItsPlace<Item extends { readonly key: string; readonly ttlMs: number }>(
    item: Item,
  ): Item {
    if (!this.#routeOf(item.key).isStandIn) return item;
    return { ...item, ttlMs: Math.min(item.ttlMs, STAND_IN_TTL_MS) };
  }

  /** Which of the keys may be in a partition. */
  #keysAt(partition: number, keys: readonly string[]): string[] {
    return keys.filter((key) =>
      this.#ring.locateN(key, this.#width).some((node) => node.partition === partition),
    );
  }

  /** Sends each item to where its key is, and puts the answers in the order of the items. */
  async #atPlaces<Item, Answer>(
    keys: readonly string[],
    items: readonly Item[],
    call: (server: RedisServerStore, items: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> {
    const indexesAt = new Map<number, number[]>();
    for (const [index, key] of keys.entries()) {
      const partition = this.partitionOf(key);
      const indexes = indexesAt.get(partition);
      if (indexes === undefined) indexesAt.set(partition, [index]);
      else indexes.push(index);
    }
    const answers = new Array<Answer>(items.length);
    const answer = async ([partition, indexes]: [number, number[]]): Promise<void> => {
      const some = indexes.map((index) => items[index] as Item);
      const replies = await call(this.#server(partition), some);
      for (const [at, index] of indexes.entries()) answers[index] = replies[at] as Answer;
    };
    await Promise.all([...indexesAt].map(answer));
    return answers;
  }

  /** On all nodes; waits for every one, and rejects naming those that were not reached. */
  async #everywhere<Result>(call: (partition: number) => Promise<Result>): Promise<Result[]> {
    const outcomes = await Promise.allSettled(this.#nodes.map(({ partition }) => call(partition)));
    const missed: string[] = [];
    const errors: unknown[] = [];
    const results: Result[] = [];
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") results.push(outcome.value);
      else {
        missed.push(this.#nodes[at]?.id ?? "");
        errors.push(outcome.reason);
      }
    }
    if (missed.length > 0) throw new CacheStorePartialError(this.name, missed, errors);
    return results;
  }

  #server(partition: number): RedisServerStore {
    const server = this.#servers[partition];
    if (server === undefined) throw new CachePartitionError(this.name, partition);
    return server;
  }

  #serverOf({ id, client, partition }: PlacedNode): RedisServerStore {
    const { circuit } = this.#rules;
    const rules: RedisStoreRules = {
      ...this.#rules,
      circuit: {
        ...circuit,
        onStateChange: (change) => {
          circuit.onStateChange?.(change);
          if (change.to === "open") this.#probe(partition, 0);
        },
      },
    };
    return new RedisServerStore({ name: `redis:${id}`, client, partition }, this.#context, rules);
  }

  /** Pings when the circuit lets it. A ping that fails opens the circuit again, and so comes back. */
  #probe(partition: number, delayMs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#context;
    const ping = (): void => {
      this.#server(partition)
        .ping()
        .catch((error: unknown) => {
          if (!isHeadroomError(error, "CIRCUIT_OPEN")) return;
          const { retryAfterMs } = error as CircuitOpenError;
          this.#probe(partition, Math.max(retryAfterMs, this.#rules.timeoutMs));
        });
    };
    this.#probes.get(partition)?.cancel();
    this.#probes.set(partition, clock.timer(ping, delayMs));
  }
}

function keysOf(items: readonly { readonly key: string }[]): string[] {
  return items.map(({ key }) => key);
}
