/**
 * Processes that read and change one source through a cache, and the account of it: every read is
 * compared with what was acknowledged before it began.
 */

import { type Cache, createCache, type Definition } from "@headroom/cache";
import { redisBus, redisStore } from "@headroom/cache/redis";
import type { RedisClient } from "@headroom/core/redis-client";
import { percentile } from "@headroom/harness";

export interface Account {
  readonly reads: number;
  readonly failed: number;
  /** Older than an invalidation which the same process had been told is done or queued. */
  readonly staleHere: number;
  /**
   * Older than an invalidation that was done in another process, longer ago than it may take to hear
   * of it: `BUS_MS`, or for who knows that the bus is lost, as long as a copy made meanwhile lives.
   */
  readonly staleElsewhere: number;
  readonly loads: number;
  /** The most loads of one key in one process within a second. */
  readonly mostLoadsPerSecond: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly invalidations: { readonly done: number; readonly queued: number };
}

/** A message of the bus is there by then, unless there was a gap. */
const BUS_MS = 250;
/** The cache's `outageTtlMs`. */
const OUTAGE_MS = 2_000;
const KEYS = Array.from({ length: 20 }, (_, index) => `k${index}`);
const LOAD_MS = 2;

interface Process {
  readonly cache: Cache;
  readonly values: Definition<string, number>;
  /** What a read that begins now must at least get. */
  readonly floor: Map<string, number>;
  readonly loads: { readonly key: string; readonly atMs: number }[];
}

export class CacheFleet {
  readonly #processes: Process[];
  readonly #source = new Map(KEYS.map((key) => [key, 1]));
  /** What was done, when, and by whom. */
  readonly #done: { key: string; version: number; atMs: number; by: Process }[] = [];
  readonly #latencies: number[] = [];
  readonly #counts = { reads: 0, failed: 0, staleHere: 0, staleElsewhere: 0, done: 0, queued: 0 };

  /** @param clients one a process. */
  constructor(
    clients: readonly RedisClient[],
    options: { readonly heartbeatMs?: number; readonly waitForLoadMs?: number } = {},
  ) {
    this.#processes = clients.map((client) => {
      const cache = createCache({
        name: "faults",
        l2: redisStore(client),
        bus: redisBus(client, { heartbeatMs: options.heartbeatMs ?? 200 }),
      });
      const loads: Process["loads"] = [];
      const values = cache.define<string, number>("value", {
        ttlMs: 60_000,
        waitForLoadMs: options.waitForLoadMs,
        load: async (key) => {
          loads.push({ key, atMs: performance.now() });
          const value = this.#source.get(key) ?? 0;
          await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
          return value;
        },
      });
      return { cache, values, floor: new Map(), loads };
    });
  }

  get caches(): readonly Cache[] {
    return this.#processes.map(({ cache }) => cache);
  }

  /** Reads all keys in all processes, and changes one key a step, until `until` has settled. */
  async run(until: Promise<unknown>, random: () => number): Promise<void> {
    let isOver = false;
    const over = until.finally(() => {
      isOver = true;
    });
    const readers = this.#processes.flatMap((process) =>
      [0, 1, 2, 3].map(async () => {
        while (!isOver) {
          await this.#read(process, pick(KEYS, random));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      }),
    );
    const writer = (async () => {
      while (!isOver) {
        await this.#change(pick(this.#processes, random), pick(KEYS, random));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await Promise.all([...readers, writer, over]);
  }

  /** Reads every key everywhere; the account counts what is older than the source. */
  async readAll(): Promise<number> {
    let old = 0;
    for (const { values } of this.#processes) {
      for (const key of KEYS) if ((await values.get(key)) !== this.#source.get(key)) old++;
    }
    return old;
  }

  account(): Account {
    const { reads, failed, staleHere, staleElsewhere, done, queued } = this.#counts;
    return {
      reads,
      failed,
      staleHere,
      staleElsewhere,
      loads: this.#processes.reduce((sum, { loads }) => sum + loads.length, 0),
      mostLoadsPerSecond: Math.max(...this.#processes.map(({ loads }) => mostPerSecond(loads))),
      p99Ms: Math.round(percentile(this.#latencies, 0.99) ?? Number.NaN),
      maxMs: Math.round(Math.max(...this.#latencies)),
      invalidations: { done, queued },
    };
  }

  async close(): Promise<void> {
    for (const { cache } of this.#processes) await cache.close();
  }

  async #read(process: Process, key: string): Promise<void> {
    const startMs = performance.now();
    const floorHere = process.floor.get(key) ?? 0;
    const isSynced = process.cache.stats().bus === "synced";
    const heardMs = startMs - (isSynced ? BUS_MS : BUS_MS + OUTAGE_MS);
    const floorElsewhere = Math.max(
      0,
      ...this.#done
        .filter((one) => one.key === key && one.by !== process && one.atMs < heardMs)
        .map(({ version }) => version),
    );
    this.#counts.reads++;
    try {
      const value = (await process.values.get(key)) ?? 0;
      if (value < floorHere) this.#counts.staleHere++;
      if (value < floorElsewhere) this.#counts.staleElsewhere++;
    } catch {
      this.#counts.failed++;
    }
    this.#latencies.push(performance.now() - startMs);
  }

  async #change(process: Process, key: string): Promise<void> {
    const version = (this.#source.get(key) ?? 0) + 1;
    this.#source.set(key, version);
    const { status } = await process.values.invalidate(key);
    this.#counts[status]++;
    process.floor.set(key, version);
    if (status === "done") {
      this.#done.push({ key, version, atMs: performance.now(), by: process });
    }
  }
}

function mostPerSecond(loads: readonly { readonly key: string; readonly atMs: number }[]): number {
  let most = 0;
  for (const key of KEYS) {
    const times = loads.filter((load) => load.key === key).map(({ atMs }) => atMs);
    times.forEach((atMs, index) => {
      const within = times.slice(index).filter((other) => other < atMs + 1_000).length;
      most = Math.max(most, within);
    });
  }
  return most;
}

function pick<Element>(list: readonly Element[], random: () => number): Element {
  const element = list[Math.floor(random() * list.length)];
  if (element === undefined) throw new RangeError("nothing to pick from");
  return element;
}
