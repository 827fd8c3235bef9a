/** The tier in Redis: ours without a tier in the process, beside commands of ioredis. */

import { createCache } from "@headroom/cache";
import { redisBus, redisStore } from "@headroom/cache/redis";
import { type Endpoint, startRedis } from "@headroom/harness";
import { Redis } from "ioredis";
import type { AsyncOperation } from "../../src/area.ts";
import { KEYS, keyAt, loadUser, TTL_MS, type User, userOf } from "./values.ts";

export async function server(resources: AsyncDisposableStack): Promise<Endpoint> {
  const { primary } = resources.use(await startRedis());
  return primary.direct;
}

async function connected(
  { host, port }: Endpoint,
  resources: AsyncDisposableStack,
): Promise<Redis> {
  const redis = new Redis(port, host, { lazyConnect: true });
  resources.defer(() => redis.disconnect());
  await redis.connect();
  return redis;
}

async function ours(endpoint: Endpoint, resources: AsyncDisposableStack) {
  const redis = await connected(endpoint, resources);
  const cache = createCache({
    name: "bench",
    l1: false,
    values: "share",
    l2: redisStore(redis, { timeoutMs: 1_000 }),
    bus: redisBus(redis),
  });
  resources.defer(() => cache.close());
  const users = cache.define<string, User>("user", { load: loadUser, ttlMs: TTL_MS });
  for (const key of KEYS) await users.get(key);
  return users;
}

async function raw(endpoint: Endpoint, resources: AsyncDisposableStack): Promise<Redis> {
  const redis = await connected(endpoint, resources);
  for (const key of KEYS) await redis.set(key, JSON.stringify(userOf(key)), "PX", TTL_MS);
  return redis;
}

/** Keys that nobody has asked for. */
function freshKeys(): () => string {
  const run = `${process.pid}-${Math.random()}`;
  let next = 0;
  return () => `fresh:${run}:${next++}`;
}

type Variant = (endpoint: Endpoint, resources: AsyncDisposableStack) => Promise<AsyncOperation>;

export const ourHit: Variant = async (endpoint, resources) => {
  const users = await ours(endpoint, resources);
  return (index) => users.get(keyAt(index));
};

export const rawGet: Variant = async (endpoint, resources) => {
  const redis = await raw(endpoint, resources);
  return (index) => redis.get(keyAt(index));
};

export const rawGetAndParse: Variant = async (endpoint, resources) => {
  const redis = await raw(endpoint, resources);
  return async (index) => JSON.parse((await redis.get(keyAt(index))) ?? "null");
};

export const ourMiss: Variant = async (endpoint, resources) => {
  const users = await ours(endpoint, resources);
  const fresh = freshKeys();
  return () => users.get(fresh());
};

export const rawGetAndSet: Variant = async (endpoint, resources) => {
  const redis = await raw(endpoint, resources);
  const fresh = freshKeys();
  return async () => {
    const key = fresh();
    const found = await redis.get(key);
    if (found !== null) return JSON.parse(found);
    const user = await loadUser(key);
    await redis.set(key, JSON.stringify(user), "PX", TTL_MS);
    return user;
  };
};

const HUNDRED = KEYS.slice(0, 100);

export const ourGetMany: Variant = async (endpoint, resources) => {
  const users = await ours(endpoint, resources);
  return () => users.getMany(HUNDRED);
};

export const ourSingleGets: Variant = async (endpoint, resources) => {
  const users = await ours(endpoint, resources);
  return async () => {
    for (const key of HUNDRED) await users.get(key);
  };
};

export const ourSingleGetsAtOnce: Variant = async (endpoint, resources) => {
  const users = await ours(endpoint, resources);
  return () => Promise.all(HUNDRED.map((key) => users.get(key)));
};

export const rawMgetAndParse: Variant = async (endpoint, resources) => {
  const redis = await raw(endpoint, resources);
  return async () => {
    const found = await redis.mget(HUNDRED);
    return found.map((text) => JSON.parse(text ?? "null"));
  };
};
