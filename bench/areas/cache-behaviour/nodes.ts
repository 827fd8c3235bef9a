/**
 * A process of an application with a two-tier cache, as each library's documentation sets it up.
 * What a library has no option for is left as it is.
 */

import { type CacheEntry, cachified } from "@epic-web/cachified";
import { createCache } from "@headroom/cache";
import { redisBus, redisStore } from "@headroom/cache/redis";
import type { Endpoint } from "@headroom/harness";
import KeyvRedis from "@keyv/redis";
import { createCache as createDedupe } from "async-cache-dedupe";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis";
import { createCache as createManager } from "cache-manager";
import { Cacheable } from "cacheable";
import { Redis } from "ioredis";
import { Keyv } from "keyv";
import { createNotificationPair, Loader, RedisCache } from "layered-loader";

export type Load = (key: string) => Promise<unknown>;

export interface CacheNode {
  get(key: string): Promise<unknown>;
  invalidate(key: string): Promise<unknown>;
}

/** A new process of the application: nothing of it is shared but Redis. */
export interface CacheLibrary {
  open(redis: Endpoint, load: Load, resources: AsyncDisposableStack): Promise<CacheNode>;
}

const TTL_MS = 600_000;
/** Loads of ours and bentocache are given up after this; the others have no such option. */
export const LOAD_TIMEOUT_MS = 500;

function connect({ host, port }: Endpoint, resources: AsyncDisposableStack): Redis {
  const redis = new Redis(port, host);
  redis.on("error", ignore);
  resources.defer(() => redis.disconnect());
  return redis;
}

export const ours: CacheLibrary = {
  async open(endpoint, load, resources) {
    const redis = connect(endpoint, resources);
    const cache = createCache({ name: "bench", l2: redisStore(redis), bus: redisBus(redis) });
    resources.defer(() => cache.close());
    const values = cache.define<string, unknown>("value", {
      load: async (key) => (await load(key)) as never,
      ttlMs: TTL_MS,
      loadTimeoutMs: LOAD_TIMEOUT_MS,
    });
    while (cache.stats().bus !== "synced") await new Promise((resolve) => setTimeout(resolve, 5));
    return {
      get: (key) => values.get(key) as Promise<unknown>,
      invalidate: (key) => values.invalidate(key),
    };
  },
};

export const bentocache: CacheLibrary = {
  async open(endpoint, load, resources) {
    const connection = connect(endpoint, resources);
    const bento = new BentoCache({
      default: "cache",
      grace: TTL_MS,
      hardTimeout: LOAD_TIMEOUT_MS,
      stores: {
        cache: bentostore()
          .useL1Layer(memoryDriver({ maxItems: 10_000 }))
          .useL2Layer(redisDriver({ connection }))
          .useBus(redisBusDriver({ connection: { host: endpoint.host, port: endpoint.port } })),
      },
    });
    resources.defer(() => bento.disconnectAll().catch(ignore));
    return {
      get: (key) => bento.getOrSet({ key, factory: () => load(key), ttl: TTL_MS }),
      invalidate: (key) => bento.delete({ key }),
    };
  },
};

export const cacheable: CacheLibrary = {
  // Its CacheSync needs further packages; without it a process does not hear of the others.
  async open(endpoint, load, resources) {
    const secondary = new KeyvRedis(`redis://${endpoint.host}:${endpoint.port}`);
    const cache = new Cacheable({ secondary: new Keyv({ store: secondary }) });
    cache.on("error", ignore);
    secondary.on("error", ignore);
    resources.defer(() => void secondary.disconnect(true).catch(ignore));
    return {
      get: (key) => cache.getOrSet(key, () => load(key), { ttl: TTL_MS, cacheErrors: false }),
      invalidate: (key) => cache.delete(key),
    };
  },
};

export const cacheManager: CacheLibrary = {
  async open(endpoint, load, resources) {
    const store = new KeyvRedis(`redis://${endpoint.host}:${endpoint.port}`);
    store.on("error", ignore);
    const manager = createManager({ stores: [new Keyv(), new Keyv({ store })] });
    resources.defer(() => void store.disconnect(true).catch(ignore));
    return {
      get: (key) => manager.wrap(key, () => load(key), TTL_MS),
      invalidate: (key) => manager.del(key),
    };
  },
};

export const dedupe: CacheLibrary = {
  // Either in the process or in Redis, not both.
  async open(endpoint, load, resources) {
    const client = connect(endpoint, resources);
    const cache = createDedupe({
      ttl: TTL_MS / 1_000,
      storage: { type: "redis", options: { client } },
    }).define("value", load);
    return {
      get: (key) => cache.value(key) as Promise<unknown>,
      invalidate: (key) => cache.clear("value", key),
    };
  },
};

export const layeredLoader: CacheLibrary = {
  async open(endpoint, load, resources) {
    const { publisher, consumer } = createNotificationPair<object>({
      channel: "values",
      consumerRedis: connect(endpoint, resources),
      publisherRedis: connect(endpoint, resources),
    });
    const loader = new Loader<object>({
      inMemoryCache: { ttlInMsecs: TTL_MS, maxItems: 10_000 },
      asyncCache: new RedisCache<object>(connect(endpoint, resources), {
        json: true,
        ttlInMsecs: TTL_MS,
      }),
      notificationConsumer: consumer,
      notificationPublisher: publisher,
      dataSources: [{ name: "source", get: load as never, getMany: async () => [] }],
    });
    await loader.init();
    return {
      get: (key) => loader.get(key),
      invalidate: (key) => loader.invalidateCacheFor(key),
    };
  },
};

export const cachifiedOverRedis: CacheLibrary = {
  async open(endpoint, load, resources) {
    const redis = connect(endpoint, resources);
    const cache = {
      get: async (key: string) => JSON.parse((await redis.get(key)) ?? "null"),
      set: (key: string, entry: CacheEntry) => redis.set(key, JSON.stringify(entry), "PX", TTL_MS),
      delete: (key: string) => redis.del(key),
    };
    return {
      get: (key) => cachified({ key, cache, getFreshValue: () => load(key), ttl: TTL_MS }),
      invalidate: (key) => redis.del(key),
    };
  },
};

/** Every call asks the source: never wrong, and no cache. */
export const noCache: CacheLibrary = {
  open: async (_, load) => ({ get: load, invalidate: async () => {} }),
};

function ignore(): void {}
