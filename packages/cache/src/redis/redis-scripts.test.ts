// What the scripts do, test/integration/cache-*.test.ts shows on real servers. Here: what they may.
import { expect, test } from "vitest";
import * as scripts from "./redis-scripts.ts";

const calls = (source: string): string[] =>
  [...source.matchAll(/redis\.p?call\(\s*'(\w+)'/g)].map(([, command = ""]) => command);

test("a Redis user that may do these commands may run every script", () => {
  const commands = Object.values(scripts).flatMap(({ source }) => calls(source));
  expect([...new Set(commands)].sort()).toEqual([
    "DEL",
    "GET",
    "PEXPIRE",
    "PTTL",
    "PUBLISH",
    "SET",
    "TIME",
    "UNLINK",
    "ZADD",
    "ZCARD",
    "ZRANGE",
    "ZREMRANGEBYSCORE",
    "ZREVRANGEBYSCORE",
    "ZSCORE",
  ]);
});

test("whatever changes what others may have copied publishes in the same step, and nothing else does", () => {
  const publishing = Object.entries(scripts)
    .filter(([, { source }]) => calls(source).includes("PUBLISH"))
    .map(([name]) => name);
  expect(publishing.sort()).toEqual(["BUMP", "INVALIDATE", "WRITE"]);
});

test("every call names the command in full: none is made of data", () => {
  for (const { source } of Object.values(scripts)) {
    expect(source.match(/redis\.p?call\(/g)).toHaveLength(calls(source).length);
  }
});
