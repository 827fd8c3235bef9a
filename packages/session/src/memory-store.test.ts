import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { memoryStore } from "./memory-store.ts";

// What it does as a store: store-conformance.test.ts.

const session = { fields: new Map(), meta: { createdAtMs: 0 }, seenAtMs: 0, ttlMs: 60_000 };

test("it is bounded: the session used longest ago goes", async () => {
  const store = memoryStore({ maxSessions: 2, clock: createManualClock() });
  await store.create("a", session);
  await store.create("b", session);
  await store.load("a");
  await store.create("c", session);
  const alive = await Promise.all(["a", "b", "c"].map((key) => store.load(key)));
  expect(alive.map((found) => found !== undefined)).toEqual([true, false, true]);
});

test("changes are told", async () => {
  const store = memoryStore();
  const changed: string[] = [];
  const stop = store.listen({ changed: (key) => changed.push(key) });
  await store.create("a", session);
  await store.commit("a", { set: new Map(), del: [] }, session);
  stop();
  await store.commit("a", { set: new Map(), del: [] }, session);
  expect(changed).toEqual(["a"]);
});

test("a wrong option is named", () => {
  expect(() => memoryStore({ maxSession: 5 } as never)).toThrow(/did you mean "maxSessions"/);
  expect(() => memoryStore({ maxSessions: 0 })).toThrow(/maxSessions/);
});
