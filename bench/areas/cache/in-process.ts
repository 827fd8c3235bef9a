/** Hits in the process, each library as its documentation says, all with 1,000 keys loaded before. */

import { cachified } from "@epic-web/cachified";
import { createCache } from "@headroom/cache";
import { createCache as createDedupe } from "async-cache-dedupe";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache as createManager } from "cache-manager";
import { Cacheable } from "cacheable";
import { Loader } from "layered-loader";
import { LRUCache } from "lru-cache";
import type { Operation } from "../../src/area.ts";
import { KEYS, keyAt, loadUser, TTL_MS, type User, userOf } from "./values.ts";

const MOST = 10_000;

type Read = (key: string) => unknown;

async function warm(read: Read): Promise<Operation> {
  for (const key of KEYS) await read(key);
  return (index) => read(keyAt(index));
}

function users(values: "freeze" | "clone" | "share") {
  const cache = createCache({ values });
  return cache.define<string, User>("user", { load: loadUser, ttlMs: TTL_MS });
}

export async function ourHit(): Promise<Operation> {
  const definition = users("share");
  return warm((key) => definition.get(key));
}

export async function ourCloningHit(): Promise<Operation> {
  const definition = users("clone");
  return warm((key) => definition.get(key));
}

export async function ourPeek(): Promise<Operation> {
  const definition = users("share");
  await warm((key) => definition.get(key));
  return (index) => definition.peek(keyAt(index));
}

export async function lruFetch(): Promise<Operation> {
  const lru = new LRUCache<string, User>({ max: MOST, ttl: TTL_MS, fetchMethod: loadUser });
  return warm((key) => lru.fetch(key));
}

export async function lruGet(): Promise<Operation> {
  const lru = new LRUCache<string, User>({ max: MOST, ttl: TTL_MS });
  for (const key of KEYS) lru.set(key, userOf(key));
  return (index) => lru.get(keyAt(index));
}

/** By default it keeps text, and parses it for each hit. */
export function bentocacheHit(serialize: boolean): () => Promise<Operation> {
  return () => hitOfBentocache(serialize);
}

async function hitOfBentocache(serialize: boolean): Promise<Operation> {
  const bento = new BentoCache({
    default: "memory",
    stores: {
      memory: bentostore().useL1Layer(memoryDriver({ maxItems: MOST, serialize })),
    },
  });
  return warm((key) => bento.getOrSet({ key, factory: () => loadUser(key), ttl: TTL_MS }));
}

export async function cacheableHit(): Promise<Operation> {
  const cacheable = new Cacheable();
  return warm((key) => cacheable.getOrSet(key, () => loadUser(key), { ttl: TTL_MS }));
}

export async function cacheManagerHit(): Promise<Operation> {
  const manager = createManager();
  return warm((key) => manager.wrap(key, () => loadUser(key), TTL_MS));
}

export async function dedupeHit(): Promise<Operation> {
  const dedupe = createDedupe({
    ttl: TTL_MS / 1_000,
    storage: { type: "memory", options: { size: MOST } },
  }).define("user", loadUser);
  return warm((key) => dedupe.user(key));
}

export async function cachifiedHit(): Promise<Operation> {
  const cache = new LRUCache<string, { value: unknown; metadata: never }>({ max: MOST });
  return warm((key) =>
    cachified({ key, cache: cache as never, getFreshValue: () => loadUser(key), ttl: TTL_MS }),
  );
}

export async function layeredLoaderHit(): Promise<Operation> {
  const loader = new Loader<User>({
    inMemoryCache: { ttlInMsecs: TTL_MS, maxItems: MOST },
    dataSources: [
      { name: "database", get: loadUser, getMany: (keys) => Promise.all(keys.map(loadUser)) },
    ],
  });
  return warm((key) => loader.get(key));
}
