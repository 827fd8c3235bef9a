export { type RedisBusOptions, redisBus } from "./redis/redis-bus.ts";
export type { RedisNode } from "./redis/redis-nodes.ts";
export { type RedisNodesOptions, redisStore } from "./redis/redis-store.ts";
export type { RedisStoreOptions } from "./redis/redis-store-options.ts";
