// That it is a store, the conformance suite shows (store-conformance.test.ts). Here: the link.
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { type MemoryLink, memoryStore } from "./memory-store.ts";
import type { CacheStore } from "./store.ts";

const bytes = new Uint8Array([1]);

function open(link: MemoryLink, origin = "a"): CacheStore {
  const clock = createManualClock();
  return memoryStore({ link })({ cache: "shop", origin, clock });
}

const write = (store: CacheStore) => store.write([{ key: "k", bytes, ttlMs: 1_000, partition: 0 }]);

test("a request that the link loses does not take effect", async () => {
  const lost = new Error("lost");
  let isCut = true;
  const store = open({ request: async () => (isCut ? Promise.reject(lost) : undefined) });
  await expect(write(store)).rejects.toBe(lost);
  isCut = false;
  expect(await store.read(["k"])).toEqual([undefined]);
});

test("a reply that the link loses has taken effect, and the caller does not know", async () => {
  const lost = new Error("lost");
  const store = open({
    reply: async (_, operation) => (operation === "write" ? Promise.reject(lost) : undefined),
  });
  await expect(write(store)).rejects.toBe(lost);
  expect(await store.read(["k"])).toMatchObject([{ bytes, partition: 0 }]);
});

test("an operation takes effect when the link lets it through, in one step", async () => {
  const held: (() => void)[] = [];
  const asked: string[] = [];
  const store = open({
    request: (origin, operation) => {
      asked.push(`${origin} ${operation}`);
      return new Promise((resolve) => void held.push(resolve));
    },
  });
  const reading = store.read(["k"]);
  const writing = write(store);
  held[1]?.();
  await writing;
  held[0]?.();
  expect(await reading).toMatchObject([{ bytes }]);
  expect(asked).toEqual(["a read", "a write"]);
});

test("the same token that asks again for its lease is granted it again", async () => {
  const store = open({});
  const request = { key: "k", token: "t", leaseMs: 1_000, refresh: false };
  expect(await store.lease([request])).toEqual([{ kind: "granted", partition: 0 }]);
  expect(await store.lease([request])).toEqual([{ kind: "granted", partition: 0 }]);
});

test("an option that does not exist is refused", () => {
  expect(() => memoryStore({ links: {} } as object)).toThrow('did you mean "link"?');
});
