import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { newSessionId, rotatedSessionId, sessionKey } from "../session-id.ts";
import { SealedSession } from "./sealed-session.ts";

const TOUCH = { seenAtMs: 0, ttlMs: 1_000 };

async function setup(fields: Record<string, string> = {}, maxLength = 1_000) {
  const clock = createManualClock();
  const made = () => new SealedSession({ clock, maxLength });
  const id = newSessionId();
  const store = made();
  const meta = { createdAtMs: 7, userId: "ann", authenticatedAtMs: 8 };
  const session = { fields: new Map(Object.entries(fields)), meta, ...TOUCH };
  await store.create(sessionKey(id), session);
  return { clock, made, id, store, meta, key: sessionKey(id) };
}

test("what it is made text of is what it is made of again, with its times", async () => {
  const fields = { cart: '["a"]', __proto__x: "1", 'quo"te': '"\\u0000 ünï 🎈"', n: "1.5" };
  const { id, key, store, made, meta, clock } = await setup(fields);
  const again = made();
  expect(again.open(store.text(id))).toBe(id);
  const stored = await again.load(key);
  expect(stored?.meta).toEqual(meta);
  expect(Object.fromEntries(stored?.fields ?? [])).toEqual(fields);
  const text = store.text(id);
  await clock.advance(1_000);
  expect(made().open(text)).toBeUndefined();
});

test("it keeps the contract of a store for its one session", async () => {
  const { key, id, store, meta } = await setup({ a: "1" });
  expect(await store.create(key, { fields: new Map(), meta, ...TOUCH })).toBe(false);
  expect(await store.load("other")).toBeUndefined();
  const set = new Map([["b", "2"]]);
  const expecting = (text?: string) => ({ set, del: ["a"], expect: new Map([["a", text]]) });
  expect(await store.commit(key, expecting("2"), TOUCH)).toBe("conflict");
  expect(await store.commit(key, expecting("1"), TOUCH)).toBe("ok");
  expect(Object.fromEntries((await store.load(key))?.fields ?? [])).toEqual({ b: "2" });
  const to = sessionKey(rotatedSessionId(id));
  expect(await store.rotate(key, to, { createdAtMs: 9 }, TOUCH)).toBe(true);
  expect(await store.load(key)).toBeUndefined();
  expect(await store.commit(key, { set, del: [] }, TOUCH)).toBe("gone");
  expect((await store.load(to))?.meta.createdAtMs).toBe(9);
  expect([await store.destroy(to), await store.destroy(to)]).toEqual([true, false]);
  expect(() => store.text(id)).toThrow(TypeError);
});

test("the field that is too large is named, and nothing is changed", async () => {
  const { key, store } = await setup({ small: '"a"' });
  const set = new Map([["avatar", JSON.stringify("x".repeat(800))]]);
  await expect(store.commit(key, { set, del: [] }, TOUCH)).rejects.toMatchObject({
    code: "SESSION_TOO_LARGE",
    message: expect.stringMatching(
      /of 1000 that browsers take; its largest field is "avatar" with 802/,
    ),
  });
  expect((await store.load(key))?.fields.size).toBe(1);
});
