import { expect, test } from "vitest";
import { fixture, stored } from "../../test/session-fixture.ts";
import { collect, EagerSession } from "./eager-session.ts";

async function eager(fields: Record<string, unknown> = {}) {
  const { app } = fixture();
  const sessions = app();
  const cookie = await stored(sessions, fields);
  const session = await sessions.open(cookie).load();
  const plain = new EagerSession(session as never) as EagerSession & Record<string, unknown>;
  const reread = async () => {
    const next = await sessions.open(cookie).load();
    return Object.fromEntries(next.names().map((name) => [name, next.peek(name)]));
  };
  return { session, plain, reread };
}

const called = (method: (callback: (error?: unknown) => void) => unknown): Promise<unknown> =>
  new Promise((resolve) => method(resolve));

test("fields are properties, and what they are at the end is written", async () => {
  const { session, plain, reread } = await eager({ cart: ["a"], gone: 1 });
  expect({ ...plain }).toEqual({ n: 0, cart: ["a"], gone: 1 });
  (plain["cart"] as string[]).push("b");
  plain["user"] = { id: 5 };
  delete plain["gone"];
  collect(plain);
  await session.save();
  expect(await reread()).toEqual({ n: 0, cart: ["a", "b"], user: { id: 5 } });
});

test("a field named like a method is kept, and not shown", async () => {
  const { session, plain, reread } = await eager({ save: "x" });
  expect(typeof plain.save).toBe("function");
  collect(plain);
  await session.save();
  expect(await reread()).toEqual({ n: 0, save: "x" });
});

test("the callbacks that Passport calls", async () => {
  const { session, plain } = await eager({ cart: ["a"] });
  const { ref } = session;
  expect(plain.id).toBe(ref);
  expect(await called((callback) => plain.regenerate(callback))).toBeUndefined();
  expect({ ...plain }).toEqual({});
  plain["passport"] = { user: 1 };
  expect(await called((callback) => plain.save(callback))).toBeUndefined();
  expect(plain.id).not.toBe(ref);
  plain["passport"] = 5;
  expect(await called((callback) => plain.reload(callback))).toBeUndefined();
  expect(plain.touch()).toBe(plain);
  expect(await called((callback) => plain.destroy(callback))).toBeUndefined();
  expect({ ...plain }).toEqual({});
  collect(plain);
});

test("what cannot be stored is told to the callback", async () => {
  const { plain } = await eager();
  plain["at"] = new Date(0);
  expect(await called((callback) => plain.save(callback))).toMatchObject({ code: "SESSION_VALUE" });
});
