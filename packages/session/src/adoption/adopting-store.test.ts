import fc from "fast-check";
import { expect, test } from "vitest";
import { faultySessionStore } from "../faulty-store.ts";
import { memoryStore } from "../memory-store.ts";
import { rotatedSessionId, sessionKey } from "../session-id.ts";
import { adoptingStore } from "./adopting-store.ts";
import type { ForeignSessions } from "./foreign-sessions.ts";

const ID = "theirs";
const KEY = sessionKey(ID);
const TOUCH = { seenAtMs: 0, ttlMs: 60_000 };

function setup(pause: () => Promise<unknown> = () => Promise.resolve()) {
  const kept = new Map([[ID, { a: 1 }]]);
  const from: ForeignSessions = {
    name: "foreign",
    async load(id) {
      await pause();
      const found = kept.get(id);
      await pause();
      return found;
    },
    async destroy(id) {
      await pause();
      return kept.delete(id);
    },
  };
  const memory = memoryStore();
  const open = () => {
    const faulty = faultySessionStore(memory);
    faulty.before = async () => void (await pause());
    const made = ({ a }: { readonly a?: unknown }) => ({
      fields: new Map([["a", JSON.stringify(a)]]),
      meta: { createdAtMs: 0 },
      ...TOUCH,
    });
    return { faulty, store: adoptingStore(faulty, { id: ID, from, made }) };
  };
  return { kept, memory, open };
}

const setB = { set: new Map([["b", "2"]]), del: [] };

test("it is taken over when it is read, and then asked for here only", async () => {
  const { kept, open } = setup();
  const { store, faulty } = open();
  expect((await store.load(KEY))?.fields.get("a")).toBe("1");
  expect(kept.size).toBe(0);
  faulty.calls.length = 0;
  await store.load(KEY);
  expect(faulty.calls).toEqual(["load"]);
  expect(await store.load("another")).toBeUndefined();
});

test("it is taken over by a blind write, and by a rotation", async () => {
  const written = setup().open().store;
  expect(await written.commit(KEY, setB, TOUCH)).toBe("ok");
  expect((await written.load(KEY))?.fields.size).toBe(2);
  const { store } = setup().open();
  const to = sessionKey(rotatedSessionId(ID));
  expect(await store.rotate(KEY, to, { createdAtMs: 1 }, TOUCH)).toBe(true);
  expect((await store.load(to))?.fields.get("a")).toBe("1");
  expect(await store.load(KEY)).toBeUndefined();
});

test("what ends here ends there, also if it was never taken over", async () => {
  const { kept, open } = setup();
  const { store } = open();
  expect(await store.destroy(KEY)).toBe(true);
  expect(kept.size).toBe(0);
  expect([await store.destroy(KEY), await store.load(KEY)]).toEqual([false, undefined]);
});

test("in every order, of servers that take it over at once each finds it, and one logout ends it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, ends) => {
      const { open, kept, memory } = setup(() => scheduler.schedule(Promise.resolve()));
      const [one, other, third] = [open().store, open().store, open().store];
      const work = Promise.all([
        one.load(KEY),
        other.load(KEY),
        ends ? third.destroy(KEY) : third.commit(KEY, setB, TOUCH),
      ]);
      const [first, second, done] = await scheduler.waitFor(work);
      expect(kept.size).toBe(0);
      if (ends) expect(await memory.load(KEY)).toBeUndefined();
      else {
        expect([first?.fields.get("a"), second?.fields.get("a"), done]).toEqual(["1", "1", "ok"]);
        expect((await memory.load(KEY))?.fields.get("b")).toBe("2");
      }
    }),
    { numRuns: 300 },
  );
});
