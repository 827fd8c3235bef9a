import { expect, test } from "vitest";
import { faultySessionStore } from "./faulty-store.ts";
import { memoryStore } from "./memory-store.ts";

const session = { fields: new Map(), meta: { createdAtMs: 0 }, seenAtMs: 0, ttlMs: 60_000 };

test("it does what the store does until a fault is set, and notes the calls", async () => {
  const store = faultySessionStore(memoryStore());
  expect(await store.create("a", session)).toBe(true);
  expect(await store.touch("a", session)).toBe(true);
  store.fault = "fail";
  await expect(store.load("a")).rejects.toThrow("out");
  expect(store.calls).toEqual(["create", "touch", "load"]);
});

test("a lost reply is one to a call that was made", async () => {
  const store = faultySessionStore(memoryStore());
  store.fault = "lost-reply";
  await expect(store.create("a", session)).rejects.toThrow("lost");
  store.fault = "none";
  expect(await store.load("a")).toBeDefined();
});

test("a barrier is waited for", async () => {
  const store = faultySessionStore(memoryStore());
  let resolve = (): void => {};
  const barrier = new Promise<void>((open) => {
    resolve = open;
  });
  store.before = (method) => (method === "destroy" ? barrier : undefined);
  await store.create("a", session);
  const destroyed = store.destroy("a");
  expect(await store.load("a")).toBeDefined();
  resolve();
  expect(await destroyed).toBe(true);
});
