/**
 * Whether a server can be trusted with jobs, asked before the first of them.
 *
 * A server that evicts deletes what it likes when its memory is full: a job, or the list of those that
 * are ready. Nobody would be told. And the scripts need Redis 7: their first line says that they may
 * go on at `maxmemory`, which older servers take for a mistake.
 */

import {
  isRedisCluster,
  type RedisClient,
  type RedisCommands,
  sendRedis,
} from "@headroom/core/redis-client";
import { redisFailureCode } from "@headroom/core/redis-failure";
import { QueueError } from "../errors.ts";

/** @returns whether the policy could be read. In a Cluster all masters that are known are asked. */
export async function checkRedisServer(
  client: RedisClient,
  queue: string,
  { allowEviction }: { readonly allowEviction: boolean },
): Promise<boolean> {
  const masters = isRedisCluster(client) ? client.nodes("master") : [];
  const servers: readonly RedisCommands[] = masters.length > 0 ? masters : [client];
  const known = await Promise.all(
    servers.map(async (server) => {
      await checkVersion(server, queue);
      return allowEviction || (await checkPolicy(server, queue));
    }),
  );
  return known.every(Boolean);
}

async function checkVersion(server: RedisCommands, queue: string): Promise<void> {
  const info = await unlessForbidden(() => sendRedis(server, "info", ["server"]));
  const version = /redis_version:(\d+)\S*/.exec(String(info ?? ""));
  if (version === null || Number(version[1]) >= 7) return;
  throw new QueueError(
    "QUEUE_UNSUPPORTED",
    queue,
    `queue "${queue}": this Redis is version ${version[0].slice("redis_version:".length)}, and 7.0 is the oldest that can keep a queue`,
  );
}

async function checkPolicy(server: RedisCommands, queue: string): Promise<boolean> {
  const reply = await unlessForbidden(() =>
    sendRedis(server, "config", ["GET", "maxmemory-policy"]),
  );
  const policy = policyOf(reply);
  if (policy === undefined) return false;
  if (policy === "noeviction") return true;
  throw new QueueError(
    "QUEUE_EVICTING",
    queue,
    `queue "${queue}": this Redis has maxmemory-policy ${policy}, and would delete jobs when its memory is full. Set it to noeviction, or the option allowEviction`,
  );
}

/** A list of name and value, or with RESP3 whatever the client makes of a map. */
function policyOf(reply: unknown): string | undefined {
  if (typeof reply !== "object" || reply === null) return undefined;
  const values = reply instanceof Map ? [...reply.values()] : Object.values(reply);
  return values
    .flat()
    .map(String)
    .find((text) => text === "noeviction" || /^(allkeys|volatile)-/.test(text));
}

/** Undefined when this user, or a hosted server, has no such command. */
async function unlessForbidden(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    const code = redisFailureCode(error);
    if (code === "NOPERM" || code === "ERR") return undefined;
    throw error;
  }
}
