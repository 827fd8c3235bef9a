/** Several Redis servers that know nothing of each other, as an application lists them. */

import { type RedisClient, requireRedisClient } from "@headroom/core/redis-client";
import { createRing } from "@headroom/hashing";

/** One of several servers: `{ name: "cache-1", client: new Redis(…) }`. */
export interface RedisNode {
  /** Keys are placed by it, so it belongs to the data: a server that is replaced keeps the name. */
  readonly name: string;
  readonly client: RedisClient;
  /**
   * Its share of the keys, relative to the others'.
   * @default 1
   */
  readonly weight?: number | undefined;
}

/** A node on the ring; its partition is its place in the order of names. */
export interface PlacedNode {
  readonly id: string;
  readonly weight: number;
  readonly partition: number;
  readonly client: RedisClient;
}

/**
 * The nodes in the order of their names, so that store and bus number them alike, however listed.
 *
 * @throws TypeError or RangeError when there is none, a name is missing or twice, a weight is out
 *   of range or a client cannot be used.
 */
export function placedNodes(nodes: readonly RedisNode[]): readonly PlacedNode[] {
  const listed = nodes.map(({ name, client, weight = 1 }) => ({
    id: name,
    weight,
    client: requireRedisClient(`client of node "${name}"`, client),
  }));
  return createRing(listed).nodes.map((node, partition) => ({ ...node, partition }));
}

/** Whether what the application passed is a list of nodes. */
export function isNodeList(
  given: RedisClient | readonly RedisNode[],
): given is readonly RedisNode[] {
  return Array.isArray(given);
}
