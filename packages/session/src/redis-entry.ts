export { type ConnectRedisOptions, connectRedisSessions } from "./redis/connect-redis-sessions.ts";
export { type RedisStore, type RedisStoreOptions, redisStore } from "./redis/redis-store.ts";
