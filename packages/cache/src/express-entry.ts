export { cacheResponse } from "./http/cache-response.ts";
export type { CacheResponseOptions } from "./http/cache-response-options.ts";
export type { CacheMiddleware, CacheRequest } from "./http/http-types.ts";
