export { type RedisCapabilities, type RedisDriver, redisDriver } from "./redis/redis-driver.ts";
export type { RedisDriverOptions } from "./redis/redis-driver-options.ts";
