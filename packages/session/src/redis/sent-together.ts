/**
 * The commands of one turn of the event loop, sent together.
 *
 * ioredis writes every command to its socket by itself, and that write costs a process more than all
 * the rest of a session's read. Under load a turn of the event loop handles many requests. What they ask
 * is collected, and given to the client as one pipeline, which is one write, at the end of the turn;
 * a command that is alone goes alone. Every command has its own reply or error, and their order stays.
 *
 * In a Cluster a pipeline has one slot, and sessions have many: there each goes alone.
 */

import { afterThisTurn } from "@headroom/core/clock";
import {
  isRedisCluster,
  type RedisArgument,
  type RedisClient,
  type RedisCommands,
  type RedisPipeline,
  sendRedis,
} from "@headroom/core/redis-client";

interface Waiting {
  readonly command: string;
  readonly args: RedisArgument[];
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

export function sentTogether(client: RedisClient): RedisCommands {
  if (isRedisCluster(client) || client.pipeline === undefined) {
    return { callBuffer: (command, args) => sendRedis(client, command, args) };
  }
  const pipeline = client.pipeline.bind(client);
  let waiting: Waiting[] = [];
  const send = (): void => {
    const [first, ...more] = waiting;
    if (first !== undefined && more.length === 0) {
      sendRedis(client, first.command, first.args).then(first.resolve, first.reject);
    } else void sendAll(pipeline(), waiting);
    waiting = [];
  };
  return {
    callBuffer: (command, args) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) afterThisTurn(send);
        waiting.push({ command, args, resolve, reject });
      }),
  };
}

async function sendAll(pipeline: RedisPipeline, waiting: readonly Waiting[]): Promise<void> {
  try {
    for (const { command, args } of waiting) pipeline.callBuffer(command, args);
    const outcomes = (await pipeline.exec()) ?? [];
    waiting.forEach(({ resolve, reject }, at) => {
      const [error, reply] = outcomes[at] ?? [new Error("Connection is closed.")];
      if (error === null) resolve(reply);
      else reject(error);
    });
  } catch (error) {
    for (const { reject } of waiting) reject(error);
  }
}
