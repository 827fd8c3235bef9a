export { type RedisStore, type RedisStoreOptions, redisStore } from "./redis/redis-store.ts";
