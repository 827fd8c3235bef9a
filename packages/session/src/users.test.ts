import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { faultySessionStore } from "./faulty-store.ts";
import { StoreGuard } from "./guarded-store.ts";
import { memoryStore } from "./memory-store.ts";
import { SessionUsers } from "./users.ts";

function setup(epochKeptMs?: number) {
  const clock = createManualClock();
  const store = memoryStore({ clock });
  const guard = new StoreGuard("memory", { timeoutMs: 1_000, clock });
  const users = new SessionUsers(store, guard, epochKeptMs);
  const login = async (key: string, seenAtMs: number, userId = "ann"): Promise<void> => {
    await users.enlist(userId, key, 60_000);
    const meta = { createdAtMs: 0, userId, epoch: await users.epochOf(userId) };
    await store.create(key, { fields: new Map(), meta, seenAtMs, ttlMs: 60_000 });
  };
  const alive = async () => (await users.list("ann")).map(({ key }) => key);
  return { store, users, login, alive };
}

test("all sessions of a user end, or all but one, and nobody else's", async () => {
  const { store, users, login, alive } = setup();
  for (const [at, key] of ["a", "b", "c"].entries()) await login(key, at);
  await login("other", 1, "bob");
  expect(await users.endAll("ann", "b")).toBe(2);
  expect(await alive()).toEqual(["b"]);
  expect(await users.endAll("ann")).toBe(1);
  expect(await alive()).toEqual([]);
  expect(await store.load("other")).toBeDefined();
});

test("over the limit the session seen longest ago goes", async () => {
  const { users, login, alive } = setup();
  for (const [at, key] of ["a", "b", "c"].entries()) await login(key, at);
  await users.limit("ann", "c", { limit: 2, overflow: "evict-oldest" });
  expect(await alive()).toEqual(["c", "b"]);
});

test("or the new one is refused", async () => {
  const { users, login, alive } = setup();
  for (const [at, key] of ["a", "b", "c"].entries()) await login(key, at);
  const refused = users.limit("ann", "c", { limit: 2, overflow: "refuse" });
  await expect(refused).rejects.toMatchObject({ code: "SESSION_LIMIT", status: 403 });
  expect(await alive()).toEqual(["b", "a"]);
});

test("a hard revoke ends a login that was under way", async () => {
  const { users } = setup(60_000);
  const epoch = await users.epochOf("ann");
  await users.endAll("ann");
  expect(await users.isRevoked({ createdAtMs: 0, userId: "ann", epoch })).toBe(true);
  const later = await users.epochOf("ann");
  expect(await users.isRevoked({ createdAtMs: 0, userId: "ann", epoch: later })).toBe(false);
  expect(await users.isRevoked({ createdAtMs: 0 })).toBe(false);
});

test("ending all but one leaves the epoch, which would end that one", async () => {
  const { users, login } = setup(60_000);
  await login("a", 1);
  await users.endAll("ann", "a");
  expect(await users.epochOf("ann")).toBe(0);
});

test("what is wiped leaves nothing", async () => {
  const { users, login, alive } = setup(60_000);
  await login("a", 1);
  expect(await users.wipe("ann")).toBe(1);
  expect(await alive()).toEqual([]);
  expect(await users.epochOf("ann")).toBe(0);
});

test("a store without an index says so", async () => {
  const guard = new StoreGuard("memory", { timeoutMs: 1_000, clock: createManualClock() });
  const users = new SessionUsers(faultySessionStore(memoryStore()), guard, undefined);
  await users.enlist("ann", "a", 1);
  await expect(users.list("ann")).rejects.toMatchObject({ code: "SESSION_UNSUPPORTED" });
});
