/** The sessions that connect-redis has in Redis: a JSON text under `<prefix><id>`. */

import { requireKnownOptions } from "@headroom/core/options";
import {
  integerReply,
  type RedisClient,
  requireRedisClient,
  sendRedis,
} from "@headroom/core/redis-client";
import type { ForeignSessions } from "../adoption/foreign-sessions.ts";

export interface ConnectRedisOptions {
  /** As connect-redis has it. @default "sess:" */
  readonly prefix?: string | undefined;
}

/**
 * For the option `adopt`: one GET, and one DEL when a session is taken over.
 * @throws TypeError when it is no client of ioredis.
 */
export function connectRedisSessions(
  client: RedisClient,
  options: ConnectRedisOptions = {},
): ForeignSessions {
  requireKnownOptions("connectRedisSessions", options, ["prefix"]);
  requireRedisClient("client", client);
  const { prefix = "sess:" } = options;
  return {
    name: "connect-redis",
    async load(id) {
      const reply = await sendRedis(client, "get", [prefix + id]);
      return reply === null ? undefined : JSON.parse(String(reply));
    },
    async destroy(id) {
      return integerReply(await sendRedis(client, "del", [prefix + id])) === 1;
    },
  };
}
