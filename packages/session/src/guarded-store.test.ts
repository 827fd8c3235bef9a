import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { faultySessionStore } from "./faulty-store.ts";
import { guardedStore, StoreGuard } from "./guarded-store.ts";
import { memoryStore } from "./memory-store.ts";

function guarded() {
  const clock = createManualClock();
  const faulty = faultySessionStore(memoryStore({ clock }));
  const guard = new StoreGuard("memory", { timeoutMs: 1_000, clock });
  return { clock, faulty, store: guardedStore(faulty, guard) };
}

const session = { fields: new Map(), meta: { createdAtMs: 0 }, seenAtMs: 0, ttlMs: 600_000 };

test("all calls go through", async () => {
  const { store, faulty } = guarded();
  expect(await store.create("a", session)).toBe(true);
  expect(await store.load("a")).toBeDefined();
  expect(await store.commit("a", { set: new Map(), del: [] }, session)).toBe("ok");
  expect(await store.touch("a", session)).toBe(true);
  expect(await store.rotate("a", "b", session.meta, session)).toBe(true);
  expect(await store.destroy("b")).toBe(true);
  expect(faulty.calls).toEqual(["create", "load", "commit", "touch", "rotate", "destroy"]);
});

test("a call that hangs ends in time", async () => {
  const { store, faulty, clock } = guarded();
  faulty.fault = "hang";
  const loaded = store.load("a");
  const failed = expect(loaded).rejects.toMatchObject({ code: "SESSION_TIMEOUT", status: 503 });
  await clock.advance(1_000);
  await failed;
});

test("a store that is down is not asked by every request, and is found again", async () => {
  const { store, faulty, clock } = guarded();
  faulty.fault = "fail";
  for (let at = 0; at < 50; at++) {
    await expect(store.load("a")).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  }
  expect(faulty.calls.length).toBeLessThan(20);
  faulty.fault = "none";
  await clock.advance(2_000);
  expect(await store.load("a")).toBeUndefined();
});
