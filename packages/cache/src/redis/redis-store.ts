/** `redisStore`: the shared tier in Redis, with a client that the application made. */

import { requireCount, requireKnownOptions } from "@headroom/core/options";
import { type RedisClient, requireRedisClient } from "@headroom/core/redis-client";
import type { StoreProvider } from "../store.ts";
import { isNodeList, placedNodes, type RedisNode } from "./redis-nodes.ts";
import { RedisNodesStore } from "./redis-nodes-store.ts";
import { RedisServerStore } from "./redis-server-store.ts";
import { type RedisStoreOptions, redisStoreRules } from "./redis-store-options.ts";

export interface RedisNodesOptions extends RedisStoreOptions {
  /**
   * Spreads a key that is more than 1 % of a process's reads over `copies` nodes: each process uses
   * one of them for it. Such a key is loaded once for each copy, and every invalidation, of any key,
   * goes to `copies` nodes instead of two.
   * @default none
   */
  readonly hotKeys?: { readonly copies: number } | undefined;
}

/**
 * A store in Redis 6.2 or later; or in several, which know nothing of each other, as a list of nodes:
 * `[{ name: "cache-1", client }, …]`. Keys are placed by the names, so every process lists the same.
 *
 * @param client of ioredis: `Redis` (also with Sentinels) or `Cluster`. It stays the application's:
 *   it connects again by itself, and we never close it. Redis answers `READONLY` when a client has
 *   stayed with a primary that was demoted; with Sentinels ioredis leaves it at once, elsewhere
 *   give it `reconnectOnError: (error) => error.message.startsWith("READONLY") ? 2 : false`.
 * @throws TypeError or RangeError when the client or an option cannot be used.
 *
 * Its operations reject with `CACHE_STORE_TIMEOUT`, `CACHE_STORE_FAILED`, `CIRCUIT_OPEN` or
 * `CACHE_PARTITION_GONE`; with several nodes also `CACHE_STORE_PARTIAL`, which names those that an
 * invalidation, a write or a bump did not reach.
 */
export function redisStore(client: RedisClient, options?: RedisStoreOptions): StoreProvider;
export function redisStore(nodes: readonly RedisNode[], options?: RedisNodesOptions): StoreProvider;
export function redisStore(
  given: RedisClient | readonly RedisNode[],
  options: RedisNodesOptions = {},
): StoreProvider {
  if (!isNodeList(given)) {
    const client = requireRedisClient("client", given);
    const rules = redisStoreRules(options);
    return (context) =>
      new RedisServerStore({ name: "redis", client, partition: 0 }, context, rules);
  }
  const { hotKeys, ...rest } = options;
  if (hotKeys !== undefined) requireKnownOptions("redisStore hotKeys", hotKeys, ["copies"]);
  const copies = hotKeys === undefined ? 1 : requireCount("copies", hotKeys.copies, { min: 2 });
  const nodes = placedNodes(given);
  const rules = { ...redisStoreRules(rest), copies };
  return (context) => new RedisNodesStore(nodes, context, rules);
}
