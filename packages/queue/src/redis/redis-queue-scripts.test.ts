// What the scripts do, test/integration/queue-redis*.test.ts shows on real servers. Here: what they may.
import { RedisScript } from "@headroom/core/redis-script";
import { expect, test } from "vitest";
import * as power from "./redis-power-scripts.ts";
import { ALSO_WHEN_FULL, READS_ONLY, REFUSED_WHEN_FULL } from "./redis-queue-lua.ts";
import * as scripts from "./redis-queue-scripts.ts";

const all = Object.entries({ ...scripts, ...power }).flatMap(([name, value]) =>
  value instanceof RedisScript ? [[name, value.source] as const] : [],
);
const calls = (source: string): string[] =>
  [...source.matchAll(/\bcall\(\s*'(\w+)'/g)].map(([, command = ""]) => command);
const beginsWith = (line: string): string[] =>
  all.flatMap(([name, source]) => (source.startsWith(line) ? [name] : [])).sort();

test("at maxmemory nothing is added, and everything else goes on", () => {
  expect(beginsWith(REFUSED_WHEN_FULL)).toEqual([
    "BEGIN_SCHEDULE",
    "ENQUEUE",
    "ENQUEUE_PLAIN",
    "FIRE",
    "HOLD",
  ]);
  expect(beginsWith(READS_ONLY)).toEqual(["CHILDREN", "FIND", "LIST", "STATS"]);
  expect(beginsWith(ALSO_WHEN_FULL)).toHaveLength(all.length - 9);
});

test("a Redis user that may do these commands may run every script", () => {
  const commands = all.flatMap(([, source]) => calls(source));
  expect([...new Set(commands)].sort()).toEqual([
    "DEL",
    "EXISTS",
    "HDEL",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HINCRBY",
    "HMGET",
    "HSET",
    "HSETNX",
    "LINDEX",
    "LLEN",
    "LPOP",
    "LPUSH",
    "LRANGE",
    "LREM",
    "PERSIST",
    "PEXPIRE",
    "PUBLISH",
    "RPUSH",
    "SET",
    "TIME",
    "UNLINK",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZMSCORE",
    "ZPOPMIN",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZREM",
    "ZREMRANGEBYSCORE",
    "ZSCORE",
  ]);
});

test("keys are made of the queue's first key alone", () => {
  for (const [name, source] of all) {
    expect(source.match(/KEYS\[(?!1\])/g), name).toBeNull();
    expect(source, name).not.toMatch(/call\('\w+', '/);
  }
});
