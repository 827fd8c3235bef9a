/** What a session does while its store is out, by policy. */

import { expect, test } from "vitest";
import { fixture, stored } from "../test/session-fixture.ts";

test("fail: whoever touches the session is told, others are not", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const cookie = await stored(sessions);
  faulty.fault = "fail";
  const untouched = sessions.open(cookie);
  expect(untouched.isDirty).toBe(false);
  await expect(sessions.open(cookie).get("n")).rejects.toMatchObject({
    status: 503,
    retryable: true,
  });
  const writing = sessions.open(cookie);
  writing.set("n", 1);
  await expect(writing.save()).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  await expect(sessions.open(undefined).login("ann")).rejects.toMatchObject({ status: 503 });
});

test("anonymous: there seems to be no session, and nothing can be written", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty, onStoreError: "anonymous" });
  const cookie = await stored(sessions);
  faulty.fault = "fail";
  const session = sessions.open(cookie);
  expect(await session.get("n")).toBeUndefined();
  expect(() => session.set("n", 1)).toThrow(expect.objectContaining({ code: "SESSION_READONLY" }));
  await session.save();
  expect(session.takeCookie()).toBeUndefined();
  faulty.fault = "none";
  expect(await sessions.open(cookie).get("n")).toBe(0);
});

test("readonly: what this process has read last is read again", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty, onStoreError: "readonly" });
  const cookie = await stored(sessions, { n: 3 });
  await sessions.open(cookie).load();
  faulty.fault = "fail";
  const session = sessions.open(cookie);
  expect(await session.get("n")).toBe(3);
  expect(() => session.set("n", 1)).toThrow(/cannot be changed now/);
});

test("a commit whose reply was lost is not taken for done, and harms nothing", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const cookie = await stored(sessions);
  faulty.fault = "lost-reply";
  const session = sessions.open(cookie);
  session.set("n", 1);
  await expect(session.save()).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  faulty.fault = "none";
  await session.save();
  expect(await sessions.open(cookie).get("n")).toBe(1);
});

test("a login whose reply was lost leaves no session that is not the user's", async () => {
  const { faulty, store, app } = fixture();
  const sessions = app({ store: faulty });
  faulty.fault = "lost-reply";
  const session = sessions.open(undefined);
  await expect(session.login("ann")).rejects.toMatchObject({ status: 503 });
  expect(session.takeCookie()).toBeUndefined();
  for await (const key of store.keys()) expect((await store.load(key))?.meta.userId).toBe("ann");
});
