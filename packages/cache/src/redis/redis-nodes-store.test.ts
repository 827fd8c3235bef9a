// What it keeps and loses, test/integration/cache-redis-nodes.test.ts shows. Here: where it goes.
import { constantBackoff } from "@headroom/core/backoff";
import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { placedNodes } from "./redis-nodes.ts";
import { RedisNodesStore } from "./redis-nodes-store.ts";
import { redisStoreRules } from "./redis-store-options.ts";

const keys = Array.from({ length: 300 }, (_, at) => `key-${at}`);

function setup({ copies = 1, origin = "me" } = {}) {
  const clock = createManualClock();
  const down = new Set<string>();
  const sent: { node: string; command: string; args: RedisArgument[] }[] = [];
  const client = (node: string): RedisConnection => ({
    callBuffer: (command, args) => {
      sent.push({ node, command, args });
      if (down.has(node)) return Promise.reject(new Error("down"));
      return Promise.resolve(command === "mget" ? args.map(() => null) : [1]);
    },
    connect: () => Promise.resolve(),
    duplicate: () => client(node),
    disconnect: () => {},
    on: () => {},
  });
  const nodes = placedNodes(["a", "b", "c"].map((name) => ({ name, client: client(name) })));
  const circuit = { consecutiveFailures: 1, backoff: constantBackoff(1_000) };
  const rules = { ...redisStoreRules({ circuit }), copies };
  const store = new RedisNodesStore(nodes, { cache: "shop", origin, clock }, rules);
  return { clock, down, sent, store };
}

const fillOf = (key: string) => ({ key, token: "t", bytes: new Uint8Array(1), ttlMs: 60_000 });

test("a key of a server that is down moves to one other; no other key moves", async () => {
  const { store, down } = setup();
  const before = keys.map((key) => store.partitionOf(key));
  const key = keys[before.indexOf(1)] ?? "";
  down.add("b");
  await expect(store.read([key])).rejects.toMatchObject({ code: "CACHE_STORE_FAILED" });
  const after = keys.map((each) => store.partitionOf(each));
  for (const [at, home] of before.entries()) {
    if (home === 1) expect(after[at]).not.toBe(1);
    else expect(after[at]).toBe(home);
  }
  expect(new Set(after.filter((_, at) => before[at] === 1))).toEqual(new Set([0, 2]));
});

test("with a stand-in a value stays ten seconds, at home as long as it should", async () => {
  const { store, down, sent } = setup();
  const key = keys.find((each) => store.partitionOf(each) === 1) ?? "";
  const ttlOf = async () => {
    await store.fill([fillOf(key)]);
    return sent.at(-1)?.args.at(-2);
  };
  expect(await ttlOf()).toBe(60_000);
  down.add("b");
  await store.read([key]).catch(() => {});
  expect(await ttlOf()).toBe(10_000);
});

test("a server that is down is pinged when its circuit lets one through, until it answers", async () => {
  const { clock, store, down, sent } = setup();
  const key = keys.find((each) => store.partitionOf(each) === 1) ?? "";
  down.add("b");
  await store.read([key]).catch(() => {});
  await clock.advance(10_500);
  const pings = sent.filter(({ node, command }) => node === "b" && command === "ping");
  expect(pings.length).toBeGreaterThanOrEqual(9);
  expect(pings.length).toBeLessThanOrEqual(11);
  expect(store.partitionOf(key)).not.toBe(1);
  down.delete("b");
  await clock.advance(1_500);
  expect(store.partitionOf(key)).toBe(1);
  await clock.advance(60_000);
  expect(clock.pending).toBe(0);
});

test("after close nothing is pinged", async () => {
  const { clock, store, down, sent } = setup();
  down.add("a").add("b").add("c");
  await Promise.allSettled(keys.map((key) => store.read([key])));
  await store.close();
  const before = sent.length;
  await clock.advance(60_000);
  expect(sent.length).toBe(before);
});

test("when home and stand-in are both down the key stays at home, and fails there", async () => {
  const { store, down } = setup();
  down.add("a").add("b").add("c");
  await Promise.allSettled(keys.map((key) => store.read([key])));
  for (const key of keys.slice(0, 20)) {
    await expect(store.read([key])).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  }
});

test("an invalidation goes to two servers, with hot keys to as many as there are copies", async () => {
  for (const [copies, servers] of [
    [1, 2],
    [2, 2],
    [3, 3],
    [9, 3],
  ] as const) {
    const { store, sent } = setup({ copies });
    await store.invalidate(["key-1"], { holdForMs: 0 });
    const reached = sent.filter(({ command }) => command === "evalsha").map(({ node }) => node);
    expect(new Set(reached).size).toBe(servers);
    expect(reached).toHaveLength(servers);
  }
});

test("a key is spread over its copies once it is hot, each process keeping to one of them", async () => {
  const used = new Set<number>();
  for (let at = 0; at < 30; at++) {
    const { store } = setup({ copies: 3, origin: `process-${at}` });
    const home = store.partitionOf("hot");
    for (let read = 0; read < 1_500; read++) void store.read(["hot"]);
    await store.read(["hot"]);
    const place = store.partitionOf("hot");
    expect(store.partitionOf("hot")).toBe(place);
    expect(store.partitionOf("cold")).toBe(setup().store.partitionOf("cold"));
    used.add(place);
    expect(setup().store.partitionOf("hot")).toBe(home);
  }
  expect(used.size).toBe(3);
});
