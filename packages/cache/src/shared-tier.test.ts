import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { entryFor, rulesFor } from "../test/read-rules.ts";
import type { CacheEntry } from "./local-entry.ts";
import { memoryStore } from "./memory-store.ts";
import { PendingInvalidations } from "./pending-invalidations.ts";
import { SharedTier } from "./shared-tier.ts";
import { TagRegistry } from "./tag-registry.ts";

const text = new TextEncoder();

async function tier() {
  const clock = createManualClock();
  const down = { is: false };
  const store = memoryStore({
    link: {
      request: async () => {
        if (down.is) throw new Error("down");
      },
    },
  })({
    cache: "app",
    origin: "me",
    clock,
  });
  const registry = new TagRegistry((tags) => store.tags(0, tags));
  const told: unknown[] = [];
  const pending = new PendingInvalidations({
    invalidate: async () => Promise.reject(new Error("down")),
    bump: async () => {},
    everything: "*",
    most: 10,
    clock,
    random: () => 0.5,
  });
  let tokens = 0;
  const shared = new SharedTier({
    store,
    pending,
    registries: [registry],
    leaseMs: 1_000,
    token: () => `t${++tokens}`,
    format: {
      encode: (_key, entry) => text.encode(JSON.stringify(entry)),
      decode: (_key, bytes) => {
        const entry = Buffer.from(bytes).toString();
        return entry === "rubbish" ? undefined : (JSON.parse(entry) as CacheEntry);
      },
    },
    undecodable: () => told.push("undecodable"),
    failed: (cause) => told.push(cause),
  });
  const put = async (bytes: Uint8Array): Promise<void> =>
    store.write([{ key: "k", bytes, ttlMs: 10_000, partition: 0 }]);
  return { shared, store, registry, pending, told, put, down, rules: rulesFor() };
}

test.each([false, true])(
  "what is there is found, what is not may be loaded once (expecting a miss: %s)",
  async (expectMiss) => {
    const { shared, put, rules } = await tier();
    expect(await shared.seek("k", expectMiss)).toMatchObject({ kind: "granted", partition: 0 });
    expect(await shared.seek("k", expectMiss)).toEqual({ kind: "held" });
    await put(shared.encode("k", entryFor(rules, { sequence: 100 })));
    expect(await shared.seek("k", expectMiss)).toMatchObject({
      kind: "found",
      entry: { value: "v" },
    });
  },
);

test.each([false, true])(
  "what cannot be decoded is replaced (expecting a miss: %s)",
  async (expectMiss) => {
    const { shared, put, told } = await tier();
    await put(text.encode("rubbish"));
    expect(await shared.seek("k", expectMiss)).toMatchObject({ kind: "granted" });
    expect(told).toEqual(["undecodable"]);
  },
);

test("what was loaded before one of its tags was bumped is replaced", async () => {
  const { shared, put, store, rules } = await tier();
  const sequence = await shared.sequence(0);
  await put(shared.encode("k", entryFor(rules, { sequence, tags: ["*", "t"] })));
  expect(await shared.seek("k", false)).toMatchObject({ kind: "found" });
  await store.bump(["t"]);
  expect(await shared.find("k")).toBeUndefined();
  expect(await shared.seek("k", false)).toMatchObject({ kind: "granted" });
});

test("a fill with the token is taken, one after an invalidation refused", async () => {
  const { shared, rules } = await tier();
  const bytes = shared.encode("k", entryFor(rules, { sequence: 100 }));
  const first = await shared.seek("k", false);
  if (first.kind !== "granted") return expect.unreachable();
  await shared.invalidate(["k"], 0);
  expect(await shared.fill("k", first.token, bytes, 1_000)).toBe(false);
  const second = await shared.seek("k", false);
  if (second.kind !== "granted") return expect.unreachable();
  expect(await shared.fill("k", second.token, bytes, 1_000)).toBe(true);
  expect(await shared.find("k")).toMatchObject({ kind: "found", bytes: bytes.length });
});

test("on hold there is no lease, and a lease that is given back is the next one's", async () => {
  const { shared } = await tier();
  await shared.invalidate(["k"], 100);
  expect(await shared.seek("k", false)).toEqual({ kind: "on-hold" });
  const granted = await shared.seek("other", false);
  if (granted.kind !== "granted") return expect.unreachable();
  await shared.release("other", granted.token);
  expect(await shared.seek("other", false)).toMatchObject({ kind: "granted" });
});

test("a store that does not answer is unreachable, and no operation throws but the changes", async () => {
  const { shared, down, told } = await tier();
  down.is = true;
  const failure = new Error("down");
  expect(await shared.seek("k", false)).toEqual({ kind: "unreachable", cause: failure });
  expect(await shared.seekLease("k")).toEqual({ kind: "unreachable", cause: failure });
  expect(await shared.find("k")).toBeUndefined();
  expect(await shared.fill("k", "t", new Uint8Array(1), 1)).toBeUndefined();
  expect(await shared.sequence(0)).toBe(-1);
  expect(await shared.guards(0, entryFor(rulesFor()))).toBeUndefined();
  await shared.renew("k", "t");
  await shared.release("k", "t");
  expect(told).toHaveLength(8);
  await expect(shared.invalidate(["k"], 0)).rejects.toThrow("down");
  await expect(shared.write("k", new Uint8Array(1), 1, 0)).rejects.toThrow("down");
});

test("a key whose invalidation is pending is not read", async () => {
  const { shared, put, pending, rules } = await tier();
  await put(shared.encode("k", entryFor(rules, { sequence: 100 })));
  pending.addKeys(["k"], 0);
  expect(await shared.seek("k", false)).toMatchObject({ kind: "unreachable" });
  expect(await shared.seekLease("k")).toMatchObject({ kind: "unreachable" });
  expect(await shared.find("k")).toBeUndefined();
});
