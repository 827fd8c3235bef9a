import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { memoryStore } from "./memory-store.ts";
import type { SessionStore } from "./store.ts";
import { describeSessionStore, sessionStoreCases } from "./store-conformance.ts";

describeSessionStore(
  "memory",
  () => {
    const clock = createManualClock();
    return { store: memoryStore({ clock }), pass: async (ms) => void (await clock.advance(ms)) };
  },
  { describe, test },
);

/** Which cases a store does not pass. */
async function failing(change: (store: SessionStore) => Partial<SessionStore>): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of sessionStoreCases()) {
    const clock = createManualClock();
    const store = memoryStore({ clock });
    const wrong = Object.assign(Object.create(store), change(store));
    for (const method of ["load", "create", "commit", "touch", "rotate", "destroy"] as const) {
      if (!Object.hasOwn(wrong, method)) wrong[method] = store[method].bind(store);
    }
    const pass = async (ms: number): Promise<void> => void (await clock.advance(ms));
    await run({ store: bound(wrong, store), pass }).catch(() => failed.push(name));
  }
  return failed;
}

/** The other powers of the store, on itself. */
function bound(wrong: SessionStore, store: object): SessionStore {
  return new Proxy(wrong, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return Reflect.get(target, name);
      const value: unknown = Reflect.get(store, name);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}

const wholeSession: (store: SessionStore) => Partial<SessionStore> = (store) => ({
  async commit(key, { set, del, expect: expected }, touch) {
    const stored = await store.load(key);
    const fields = new Map([...(stored?.fields ?? []), ...set]);
    for (const name of del) fields.delete(name);
    await Promise.resolve();
    await store.destroy(key);
    await store.create(key, { fields, meta: stored?.meta ?? { createdAtMs: 0 }, ...touch });
    return expected === undefined ? "ok" : "ok";
  },
});

test.each([
  ["writes whole sessions", wholeSession, "save concurrent updates should save session (Spring)"],
  [
    "makes sessions by writing",
    wholeSession,
    "session save does not resurrect session logged out in other context (Django)",
  ],
  [
    "makes a session that is asked for",
    (store: SessionStore) => ({
      load: async (key: string) => {
        const meta = { createdAtMs: 0 };
        await store.create(key, { fields: new Map(), meta, seenAtMs: 0, ttlMs: 1_000 });
        return store.load(key);
      },
    }),
    "session load does not create record (Django)",
  ],
  [
    "leaves the old key of a rotation",
    (store: SessionStore) => ({
      rotate: async (from: string, to: string, meta: never, touch: never) => {
        const stored = await store.load(from);
        if (stored === undefined) return false;
        return store.create(to, {
          ...stored,
          meta,
          ...(touch as { seenAtMs: number; ttlMs: number }),
        });
      },
    }),
    "a rotation moves the session and ends the old key",
  ],
  [
    "does not heed expectations",
    (store: SessionStore) => ({
      commit: (key: string, change: never, touch: never) =>
        store.commit(key, { ...(change as object), expect: undefined } as never, touch),
    }),
    "of many who expect one text one wins",
  ],
  [
    "forgets to begin the time anew",
    (store: SessionStore) => ({
      touch: async (key: string) => (await store.load(key)) !== undefined,
    }),
    "a touch, a commit and a rotation each begin its time anew",
  ],
] as const)("a store that %s is found out", async (_, change, name) => {
  expect(await failing(change as never)).toContain(name);
});

test("a store that does as it should passes here too", async () => {
  expect(await failing(() => ({}))).toEqual([]);
});
