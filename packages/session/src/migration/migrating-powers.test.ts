import { expect, test, vi } from "vitest";
import { faultySessionStore } from "../faulty-store.ts";
import { memoryStore } from "../memory-store.ts";
import { hasAnnouncer, hasSweeper, type SessionStore } from "../store.ts";
import { migratingPowers } from "./migrating-powers.ts";
import { migratingStore } from "./migrating-store.ts";

// What each power does: the conformance suite in migrating-store.test.ts.

test("a power that one of them does not have is not pretended, but what needs sweeping is swept", () => {
  const plain = faultySessionStore(memoryStore());
  expect(Object.keys(migratingPowers(plain, plain))).toEqual([]);
  expect(Object.keys(migratingPowers(plain, memoryStore()))).toEqual(["sweep"]);
  expect(hasSweeper(migratingPowers(memoryStore(), plain))).toBe(true);
});

test("a session that has gone to the other store is not announced as ended", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const store: SessionStore = migratingStore({ from, to, phase: "move" });
  if (!hasAnnouncer(store)) throw new Error("both announce");
  const [gone, changed] = [vi.fn(), vi.fn()];
  const stop = store.listen({ gone, changed });
  const touch = { seenAtMs: 0, ttlMs: 60_000 };
  await from.create("key", { fields: new Map(), meta: { createdAtMs: 0 }, ...touch });
  await store.touch("key", touch);
  await vi.waitFor(() => expect(changed).toHaveBeenCalledWith("key"));
  expect(gone).not.toHaveBeenCalled();
  await store.destroy("key");
  await vi.waitFor(() => expect(gone).toHaveBeenCalledWith("key"));
  stop();
});

test("a user's sessions in both are listed once each, the one seen last first", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const { ofUser } = migratingPowers(from, to);
  for (const [store, key, seenAtMs] of [
    [from, "a", 1],
    [from, "b", 3],
    [to, "b", 3],
    [to, "c", 2],
  ] as const) {
    await store.enlist("ann", key);
    const meta = { createdAtMs: 0, userId: "ann" };
    await store.create(key, { fields: new Map(), meta, seenAtMs, ttlMs: 60_000 });
  }
  expect((await ofUser?.("ann"))?.map(({ key }) => key)).toEqual(["b", "c", "a"]);
});
