// That it is a store is shown on real servers (test/integration/cache-store.test.ts). Here: what it sends.
import { constantBackoff } from "@headroom/core/backoff";
import type {
  RedisArgument,
  RedisClient,
  RedisClusterClient,
  RedisConnection,
} from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { redisSlot } from "@headroom/hashing";
import { expect, test } from "vitest";
import { RedisServerStore } from "./redis-server-store.ts";
import { redisStoreRules } from "./redis-store-options.ts";

type Answer = (command: string, args: RedisArgument[]) => Promise<unknown>;

const single = (callBuffer: Answer): RedisConnection => ({
  callBuffer,
  connect: () => Promise.resolve(),
  duplicate: () => single(callBuffer),
  disconnect: () => {},
  on: () => {},
});

const cluster = (callBuffer: Answer, refreshSlotsCache = () => {}): RedisClusterClient => ({
  callBuffer,
  nodes: () => [],
  refreshSlotsCache,
  slots: Array.from({ length: 16_384 }, (_, slot) => [slot < 8_192 ? "a:1" : "b:2"]),
});

function open(client: RedisClient) {
  const clock = createManualClock();
  const circuit = { consecutiveFailures: 2, backoff: constantBackoff(1_000) };
  const rules = redisStoreRules({ circuit });
  const context = { cache: "shop", origin: "me", clock };
  return {
    clock,
    store: new RedisServerStore({ name: "redis", client, partition: 0 }, context, rules),
  };
}

const stored: Answer = async (_, args) => args.map((key) => Buffer.from(String(key)));

test("reads of one moment are one MGET on a single server, and one for each slot in a Cluster", async () => {
  for (const [of, commands] of [
    [single, 1],
    [cluster, 3],
  ] as const) {
    const sent: unknown[] = [];
    const { store } = open(
      of((command, args) => {
        sent.push(command);
        return stored(command, args);
      }),
    );
    const replies = await Promise.all([store.read(["a", "b"]), store.read(["c"])]);
    expect(replies.flat().map((found) => String(found?.bytes))).toEqual([
      "hr:{a}",
      "hr:{b}",
      "hr:{c}",
    ]);
    expect(sent).toEqual(Array<string>(commands).fill("mget"));
  }
});

test("in a Cluster a master that is down does not close the others", async () => {
  const keys = Array.from({ length: 100 }, (_, at) => `key-${at}`);
  const isDown = (key: unknown) => redisSlot(String(key)) < 8_192;
  const { store } = open(
    cluster((command, args) =>
      isDown(args[0]) ? Promise.reject(new Error("down")) : stored(command, args),
    ),
  );
  const [down = "", well = ""] = [true, false].map((wanted) =>
    keys.find((key) => isDown(`hr:{${key}}`) === wanted),
  );
  for (const code of ["CACHE_STORE_FAILED", "CACHE_STORE_FAILED", "CIRCUIT_OPEN"]) {
    await expect(store.read([down])).rejects.toMatchObject({ code });
  }
  expect(await store.read([well])).toHaveLength(1);
});

test("what the client never answers fails in time, and is not waited for again", async () => {
  const { store, clock } = open(single(() => new Promise(() => {})));
  const reads = Promise.allSettled([store.read(["a"]), store.tags(0, [])]);
  await clock.advance(50);
  for (const outcome of await reads) {
    expect(outcome).toMatchObject({ reason: { code: "CACHE_STORE_TIMEOUT", timeoutMs: 50 } });
  }
  expect(store.isWell).toBe(false);
  await expect(store.ping()).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
});

test("a lease that is granted when nobody waits for it any more is given back, also past an open circuit", async () => {
  const released: unknown[] = [];
  const GRANTED = 1;
  const HELD = 2;
  const { store, clock } = open(
    single(async (_, args) => {
      const isRelease = args.length === 5;
      if (isRelease) released.push(args.slice(2).map(String));
      await clock.sleep(80);
      return isRelease ? 1 : [GRANTED, HELD];
    }),
  );
  const lease = (key: string, token: string) => ({ key, token, leaseMs: 1_000, refresh: false });
  const leases = Promise.allSettled([
    store.lease([lease("a", "A"), lease("b", "B")]),
    store.tags(0, []),
  ]);
  await clock.advance(50);
  for (const outcome of await leases) {
    expect(outcome).toMatchObject({ reason: { code: "CACHE_STORE_TIMEOUT" } });
  }
  expect(store.isWell).toBe(false);
  expect(released).toEqual([]);
  await clock.advance(30);
  expect(released).toEqual([["hr:{a}", expect.stringContaining("hr:{a}"), "A"]]);
});

test("in a Cluster, a master that does not answer is a reason to ask who has its slots", async () => {
  let asked = 0;
  const refresh = () => {
    asked += 1;
  };
  const { store, clock } = open(cluster(() => new Promise(() => {}), refresh));
  const read = Promise.allSettled([store.read(["a"])]);
  await clock.advance(50);
  await read;
  expect(asked).toBe(1);
});

test("another partition than its own is refused", async () => {
  const { store } = open(single(stored));
  const gone = { code: "CACHE_PARTITION_GONE" };
  await expect(store.tags(1, [])).rejects.toMatchObject(gone);
  const write = { key: "k", bytes: new Uint8Array(1), ttlMs: 1, partition: 1 };
  await expect(store.write([write])).rejects.toMatchObject(gone);
});
