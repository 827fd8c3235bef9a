import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { RedisSentinelSet, startRedisSentinel } from "./redis-sentinel.ts";
import { useServers } from "./use-servers.ts";

const redis = useServers(() => startRedisSentinel());

test("the Sentinels replace a killed primary, and a Sentinel client writes again", async () => {
  const client = new Redis({
    name: RedisSentinelSet.masterName,
    sentinels: redis().sentinels.map((sentinel) => sentinel.via),
  });
  client.on("error", () => {});
  try {
    await client.set("before", "1");
    const old = await redis().primary();
    await old?.kill9();
    const next = await eventually("a new primary", () => redis().primary());
    expect(next).not.toBe(old);
    expect(await client.set("after", "1")).toBe("OK");
    expect(await next.command("GET", "after")).toBe("1");
    await redis().reset();
    expect(await old?.role()).toBe("slave");
  } finally {
    client.disconnect();
  }
});

test("the Sentinels replace a primary whose link is stalled, though it still runs", async () => {
  const old = await redis().primary();
  old?.link.stall();
  const next = await eventually("a new primary", async () => {
    const primary = await redis().primary();
    return primary !== old && primary;
  });
  expect(next.name).not.toBe(old?.name);
  // The two heads of a split brain, as long as nobody heals it.
  expect([await old?.role(), await next.role()]).toEqual(["master", "master"]);
});
