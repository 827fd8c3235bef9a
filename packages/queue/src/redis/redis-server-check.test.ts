import type { RedisClusterClient, RedisConnection } from "@headroom/core/redis-client";
import { expect, test } from "vitest";
import { checkRedisServer } from "./redis-server-check.ts";

const forbidden = Object.assign(new Error("NOPERM this user has no permissions"), {
  name: "ReplyError",
});

/** A server that answers so; an error is rejected with. */
function server(version: unknown, policy: unknown): RedisConnection {
  return {
    callBuffer: (command) => {
      const reply = command === "info" ? version : policy;
      return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
    },
    connect: () => Promise.resolve(),
    duplicate: () => server(version, policy),
    disconnect: () => {},
    on: () => {},
  };
}

const info = (version: string) => Buffer.from(`# Server\r\nredis_version:${version}\r\n`);
const names = (policy: string) => [Buffer.from("maxmemory-policy"), Buffer.from(policy)];
const strict = { allowEviction: false };

test.each<[string, unknown]>([
  ["a list", names("noeviction")],
  ["a map", new Map([["maxmemory-policy", Buffer.from("noeviction")]])],
  ["an object", { "maxmemory-policy": Buffer.from("noeviction") }],
])("a policy that keeps everything is read from %s", async (_, reply) => {
  expect(await checkRedisServer(server(info("7.0.15"), reply), "q", strict)).toBe(true);
});

test("an evicting server is refused with its policy, unless that is wanted", async () => {
  const evicting = server(info("7.4.0"), names("volatile-ttl"));
  await expect(checkRedisServer(evicting, "q", strict)).rejects.toMatchObject({
    code: "QUEUE_EVICTING",
    message: expect.stringContaining("volatile-ttl"),
  });
  expect(await checkRedisServer(evicting, "q", { allowEviction: true })).toBe(true);
});

test("an old server is refused with its version", async () => {
  const old = server(info("6.2.14"), names("noeviction"));
  await expect(checkRedisServer(old, "q", strict)).rejects.toMatchObject({
    code: "QUEUE_UNSUPPORTED",
    message: expect.stringContaining("6.2.14"),
  });
});

test("a policy that may not be read is not known", async () => {
  expect(await checkRedisServer(server(info("7.0.15"), forbidden), "q", strict)).toBe(false);
  expect(await checkRedisServer(server(forbidden, names("noeviction")), "q", strict)).toBe(true);
});

test("a server that is away is no server that forbids", async () => {
  const away = server(info("7.0.15"), new Error("Connection is closed."));
  await expect(checkRedisServer(away, "q", strict)).rejects.toThrow("Connection is closed.");
});

test("all masters of a Cluster are asked", async () => {
  const cluster: RedisClusterClient = {
    callBuffer: () => Promise.reject(new Error("not asked")),
    nodes: () => [
      server(info("7.0.15"), names("noeviction")),
      server(info("7.0.15"), names("allkeys-lru")),
    ],
    slots: [],
    refreshSlotsCache: () => {},
  };
  await expect(checkRedisServer(cluster, "q", strict)).rejects.toMatchObject({
    code: "QUEUE_EVICTING",
  });
});
