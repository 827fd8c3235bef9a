/**
 * The cases of Spring Session that are about races, ends and the index of users, by their names:
 * `RedisSessionRepositoryITests`, `RedisIndexedSessionRepositoryITests` and
 * `AbstractJdbcIndexedSessionRepositoryITests`. Those of a store alone are in the conformance suite.
 */

import { createSessions, type Session } from "@headroom/session";
import { describe, expect, onTestFinished, test } from "vitest";
import { sessionStores } from "./session-stores.ts";

interface Fields {
  [name: string]: unknown;
}

describe.each(sessionStores())("%s", (_, open) => {
  async function setup() {
    const sessions = createSessions<Fields>({ store: await open(), secrets: ["s".repeat(32)] });
    onTestFinished(() => sessions.close());
    const cookieOf = (session: Session<Fields>) => session.takeCookie()?.split(";")[0];
    const saved = async (userId?: string) => {
      const session = sessions.open(undefined);
      session.set("attribute1", "value1");
      if (userId === undefined) await session.save();
      else await session.login(userId);
      return { session, cookie: cookieOf(session) };
    };
    const refsOf = async (userId: string) => (await sessions.ofUser(userId)).map(({ key }) => key);
    return { sessions, saved, cookieOf, refsOf };
  }

  test("save_ConcurrentUpdates_ShouldSaveSession, saveNewSessionAttributeConcurrently", async () => {
    const { sessions, saved } = await setup();
    const { cookie } = await saved();
    const [one, other] = [await sessions.open(cookie).load(), await sessions.open(cookie).load()];
    one.set("attribute2", "value2");
    other.set("attribute3", "value3");
    await Promise.all([one.save(), other.save()]);
    const after = await sessions.open(cookie).load();
    expect(after.names().sort()).toEqual(["attribute1", "attribute2", "attribute3"]);
  });

  test("save_DeletedSession_ShouldThrowException, saveDeleted, saveDeletedAddAttribute", async () => {
    const { sessions, saved } = await setup();
    const { session, cookie } = await saved();
    await sessions.revoke(String(session.ref));
    session.set("attribute2", "value2");
    await expect(session.save()).rejects.toMatchObject({ code: "SESSION_GONE" });
    expect((await sessions.open(cookie).load()).names()).toEqual([]);
  });

  test("save_ChangeSessionIdConcurrent_ShouldThrowException: one has the session, no other its fields", async () => {
    const { sessions, saved } = await setup();
    const { cookie } = await saved();
    const both = [await sessions.open(cookie).load(), await sessions.open(cookie).load()];
    await Promise.all(both.map((session) => session.rotate()));
    const kept = await Promise.all(both.map((session) => session.get("attribute1")));
    expect(kept.filter((value) => value === "value1")).toHaveLength(1);
    expect((await sessions.open(cookie).load()).names()).toEqual([]);
  });

  test("save_ChangeSessionIdOnDeletedSession_ShouldThrowException: nothing of it is taken along", async () => {
    const { sessions, saved } = await setup();
    const { session, cookie } = await saved();
    const late = await sessions.open(cookie).load();
    await sessions.revoke(String(session.ref));
    await late.rotate();
    expect(late.names()).toEqual([]);
  });

  test("changeSessionIdSaveConcurrently", async () => {
    const { sessions, saved, cookieOf } = await setup();
    const { cookie } = await saved();
    const [writing, rotating] = [
      await sessions.open(cookie).load(),
      await sessions.open(cookie).load(),
    ];
    writing.set("attribute2", "value2");
    const [result] = await Promise.all([writing.commit(), rotating.rotate()]);
    const after = await sessions.open(cookieOf(rotating)).load();
    expect(after.peek("attribute1")).toBe("value1");
    expect(after.peek("attribute2")).toBe(result === "ok" ? "value2" : undefined);
  });

  test("findByPrincipalName, findByPrincipalNameNoPrincipalNameChange", async () => {
    const { saved, refsOf, sessions } = await setup();
    const { session, cookie } = await saved("ann");
    await saved("bob");
    expect(await refsOf("ann")).toEqual([session.ref]);
    const later = sessions.open(cookie);
    later.set("other", 1);
    await later.save();
    expect(await refsOf("ann")).toEqual([session.ref]);
  });

  test("findByDeletedPrincipalName", async () => {
    const { saved, refsOf } = await setup();
    const { session } = await saved("ann");
    await session.logout();
    expect(await refsOf("ann")).toEqual([]);
  });

  test("findByChangedPrincipalName", async () => {
    const { saved, refsOf } = await setup();
    const { session } = await saved("ann");
    await session.login("bob");
    expect([await refsOf("ann"), await refsOf("bob")]).toEqual([[], [session.ref]]);
  });

  test("findByPrincipalNameChangeSessionId, changeSessionIdWhenPrincipalNameChanges", async () => {
    const { saved, refsOf } = await setup();
    const { session } = await saved("ann");
    const before = session.ref;
    await session.rotate();
    expect(session.ref).not.toBe(before);
    expect(await refsOf("ann")).toEqual([session.ref]);
  });
});
