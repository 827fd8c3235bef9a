/**
 * The cases of Django's `SessionTestsMixin` (tests/sessions_tests/tests.py), by their names, where
 * ours have what they are about. Not here: pickling, and an expiry of its own for each session.
 */

import { createSessions, type Session } from "@headroom/session";
import { describe, expect, onTestFinished, test } from "vitest";
import { sessionStores } from "./session-stores.ts";

interface Fields {
  [name: string]: unknown;
}

describe.each(sessionStores())("%s", (_, open) => {
  async function setup(options: { idleMs?: number } = {}) {
    const sessions = createSessions<Fields>({
      store: await open(),
      secrets: ["s".repeat(32)],
      ...options,
    });
    onTestFinished(() => sessions.close());
    const begin = () => sessions.open(undefined);
    const cookieOf = (session: Session<Fields>) => session.takeCookie()?.split(";")[0];
    const saved = async (fields: Fields = { foo: "bar" }) => {
      const session = begin();
      for (const [name, value] of Object.entries(fields)) session.set(name, value);
      await session.save();
      return { session, cookie: cookieOf(session) };
    };
    const exists = async (cookie: string | undefined) =>
      (await sessions.open(cookie).load()).names().length > 0;
    return { sessions, begin, saved, exists, cookieOf };
  }

  test("test_new_session", async () => {
    const session = (await setup()).begin();
    expect([session.isTouched, session.isDirty]).toEqual([false, false]);
  });

  test("test_get_empty", async () => {
    expect(await (await setup()).begin().get("cat")).toBeUndefined();
  });

  test("test_store, test_pop", async () => {
    const session = (await setup()).begin();
    session.set("some key", "exists");
    expect([session.isTouched, session.isDirty]).toEqual([true, true]);
    expect(await session.get("some key")).toBe("exists");
    session.delete("some key");
    expect(await session.get("some key")).toBeUndefined();
  });

  test("test_pop_default", async () => {
    const session = (await setup()).begin();
    expect((await session.get("some key")) ?? "does not exist").toBe("does not exist");
    expect([session.isTouched, session.isDirty]).toEqual([true, false]);
  });

  test("test_setdefault", async () => {
    const session = (await setup()).begin();
    expect(await session.update("foo", (value) => value ?? "bar")).toBe("bar");
    expect(await session.update("foo", (value) => value ?? "baz")).toBe("bar");
  });

  test("test_has_key, test_keys, test_values, test_items", async () => {
    const { sessions, saved } = await setup();
    const { cookie } = await saved({ "some key": 1 });
    const session = await sessions.open(cookie).load();
    expect(session.names()).toEqual(["some key"]);
    expect(session.peek("some key")).toBe(1);
    expect([session.isTouched, session.isDirty]).toEqual([true, false]);
  });

  test("test_clear", async () => {
    const { sessions, saved } = await setup();
    const { cookie } = await saved({ x: 1 });
    const session = await sessions.open(cookie).load();
    for (const name of session.names()) session.delete(name);
    expect(session.names()).toEqual([]);
    expect(session.isDirty).toBe(true);
    await session.save();
    expect((await sessions.open(cookie).load()).names()).toEqual([]);
  });

  test("test_save", async () => {
    const { saved, exists } = await setup();
    expect(await exists((await saved()).cookie)).toBe(true);
  });

  test("test_delete", async () => {
    const { sessions, saved, exists } = await setup();
    const { session, cookie } = await saved();
    expect(await sessions.revoke(String(session.ref))).toBe(true);
    expect(await exists(cookie)).toBe(false);
  });

  test("test_flush", async () => {
    const { saved, exists, cookieOf } = await setup();
    const { session, cookie } = await saved();
    const before = session.ref;
    await session.regenerate();
    await session.save();
    expect(await exists(cookie)).toBe(false);
    expect(session.ref).not.toBe(before);
    expect(cookieOf(session)).toBeDefined();
  });

  test.each(["test_cycle", "test_cycle_with_no_session_cache"])("%s", async (name) => {
    const { sessions, saved, exists } = await setup();
    const { cookie } = await saved({ a: "c", b: "d" });
    const session = sessions.open(cookie);
    if (name === "test_cycle") await session.load();
    const before = session.ref;
    await session.rotate();
    expect(session.ref).not.toBe(before);
    expect([await session.get("a"), await session.get("b")]).toEqual(["c", "d"]);
    expect(await exists(cookie)).toBe(false);
  });

  test("test_save_doesnt_clear_data", async () => {
    const { sessions, saved } = await setup();
    const { session, cookie } = await saved({ a: "b" });
    await session.save();
    session.set("c", "d");
    await session.save();
    expect((await sessions.open(cookie).load()).names().sort()).toEqual(["a", "c"]);
  });

  test.each([
    ["test_invalid_key", "1"],
    ["test_session_key_empty_string_invalid", ""],
    ["test_session_key_too_short_invalid", "1234567"],
    ["test_load_overlong_key", "a".repeat(1_240)],
  ])("%s", async (_name, value) => {
    const { sessions, cookieOf } = await setup();
    const session = await sessions.open(`__Host-sid=${value}`).load();
    expect(await session.get("cat")).toBeUndefined();
    session.set("cat", "dog");
    await session.save();
    expect(cookieOf(session)).not.toBe(`__Host-sid=${value}`);
  });

  test("test_session_key_is_read_only", async () => {
    const { session } = await (await setup()).saved();
    expect(() => Object.assign(session, { ref: "mine" })).toThrow(TypeError);
  });

  test("test_default_expiry", async () => {
    const { session } = await (await setup()).saved();
    const leftMs = Number(session.expiresAtMs) - Date.now();
    expect(Math.abs(leftMs - 12 * 3_600_000)).toBeLessThan(60_000);
  });

  test("test_actual_expiry", async () => {
    const { sessions, saved } = await setup({ idleMs: 60 });
    const { cookie } = await saved();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await sessions.open(cookie).load()).names()).toEqual([]);
  });

  test("test_decode", async () => {
    const { sessions, saved } = await setup();
    const fields = { "a test key": "a test value", nested: { list: [1, null, true, "ü"] } };
    const session = await sessions.open((await saved(fields)).cookie).load();
    expect([session.peek("a test key"), session.peek("nested")]).toEqual(Object.values(fields));
  });

  test("test_session_load_does_not_create_record", async () => {
    const { sessions, saved, exists } = await setup();
    const { session, cookie } = await saved();
    await sessions.revoke(String(session.ref));
    const loaded = await sessions.open(cookie).load();
    await loaded.save();
    expect(loaded.ref).toBeUndefined();
    expect(await exists(cookie)).toBe(false);
  });

  test("test_session_save_does_not_resurrect_session_logged_out_in_other_context", async () => {
    const { sessions, saved, exists } = await setup();
    const { cookie } = await saved();
    const [one, other] = [await sessions.open(cookie).load(), await sessions.open(cookie).load()];
    one.set("test_data", "value1");
    await one.save();
    await other.logout();
    one.set("test_data", "value2");
    await expect(one.save()).rejects.toMatchObject({ code: "SESSION_GONE" });
    expect(await exists(cookie)).toBe(false);
  });
});
