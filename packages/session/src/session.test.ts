import { expect, test } from "vitest";
import { cookieOf, fixture, SECRETS, stored } from "../test/session-fixture.ts";
import { isSessionId } from "./session-id.ts";

test("who has no cookie costs nothing until something is set", async () => {
  const { faulty, app } = fixture();
  const session = app({ store: faulty }).open(undefined);
  expect(await session.get("n")).toBeUndefined();
  expect(session.userId).toBeUndefined();
  await session.save();
  expect(faulty.calls).toEqual([]);
  expect(session.takeCookie()).toBeUndefined();
});

test("a forged cookie costs nothing either", async () => {
  const { faulty, app } = fixture();
  const session = app({ store: faulty }).open(`__Host-sid=${"a".repeat(43)}.${"b".repeat(43)}`);
  expect(await session.get("n")).toBeUndefined();
  expect(faulty.calls).toEqual([]);
});

test("what is set is read by the next request, with one call each", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const cookie = await stored(sessions, { cart: ["a"] });
  expect(faulty.calls).toEqual(["create"]);
  const next = sessions.open(cookie);
  expect(await next.get("cart")).toEqual(["a"]);
  expect(await next.get("n")).toBe(0);
  expect(faulty.calls).toEqual(["create", "load"]);
  expect(next.names().sort()).toEqual(["cart", "n"]);
  expect(next.peek("n")).toBe(0);
});

test("a blind set is one call, and tells apart what was there", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const cookie = await stored(sessions, { cart: ["a"] });
  const blind = sessions.open(cookie);
  blind.set("n", 5);
  await blind.save();
  expect(faulty.calls).toEqual(["create", "commit"]);
  const next = await sessions.open(cookie).load();
  expect([next.peek("n"), next.peek("cart")]).toEqual([5, ["a"]]);
});

test("a change inside of a value is written", async () => {
  const sessions = fixture().app();
  const cookie = await stored(sessions, { cart: ["a"] });
  const session = sessions.open(cookie);
  (await session.get("cart"))?.push("b");
  await session.save();
  expect(await sessions.open(cookie).get("cart")).toEqual(["a", "b"]);
});

test("a field that is deleted is gone", async () => {
  const sessions = fixture().app();
  const cookie = await stored(sessions, { cart: ["a"] });
  const session = sessions.open(cookie);
  session.delete("cart");
  await session.save();
  expect(await sessions.open(cookie).get("cart")).toBeUndefined();
});

test("a login takes a new id, keeps the fields, and ends the old id", async () => {
  const { clock, app } = fixture();
  const sessions = app();
  const cookie = await stored(sessions, { cart: ["a"] });
  const session = sessions.open(cookie, () => ({ ip: "::1" }));
  await session.login("ann");
  const after = cookieOf(session);
  expect(after).not.toBe(cookie);
  expect(await sessions.open(cookie).get("cart")).toBeUndefined();
  const next = await sessions.open(after).load();
  expect([next.peek("cart"), next.userId, next.authenticatedAtMs]).toEqual([
    ["a"],
    "ann",
    clock.now(),
  ]);
  expect(next.isFresh(1_000)).toBe(true);
  await clock.advance(1_001);
  expect(next.isFresh(1_000)).toBe(false);
});

test("what was set before the login is taken along, and a login needs no session before", async () => {
  const sessions = fixture().app();
  const session = sessions.open(undefined);
  session.set("n", 7);
  await session.login("ann");
  expect(await sessions.open(cookieOf(session)).get("n")).toBe(7);
});

test("a rotation keeps the user", async () => {
  const sessions = fixture().app();
  const session = sessions.open(undefined);
  await session.login("ann");
  const before = cookieOf(session);
  await session.rotate();
  const after = cookieOf(session);
  expect((await sessions.open(before).load()).userId).toBeUndefined();
  expect((await sessions.open(after).load()).userId).toBe("ann");
  expect(await sessions.ofUser("ann")).toHaveLength(1);
});

test("a logout clears the cookie, and what is set after it is in another session", async () => {
  const sessions = fixture().app();
  const session = sessions.open(undefined);
  await session.login("ann");
  const cookie = cookieOf(session);
  const leaving = await sessions.open(cookie).load();
  await leaving.logout();
  expect(leaving.takeCookie()).toMatch(
    /^__Host-sid=; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=0/,
  );
  expect((await sessions.open(cookie).load()).userId).toBeUndefined();
  leaving.set("n", 1);
  await leaving.save();
  const next = await sessions.open(cookieOf(leaving)).load();
  expect([next.userId, next.peek("n")]).toEqual([undefined, 1]);
});

test("a regenerated session is another, empty one", async () => {
  const sessions = fixture().app();
  const cookie = await stored(sessions, { n: 1 });
  const session = sessions.open(cookie);
  await session.regenerate();
  await session.save();
  const after = cookieOf(session);
  expect(after).not.toBe(cookie);
  expect((await sessions.open(after).load()).names()).toEqual([]);
  expect((await sessions.open(cookie).load()).names()).toEqual([]);
});

test("after destroy nothing can be set in this request", async () => {
  const sessions = fixture().app();
  const session = sessions.open(await stored(sessions));
  await session.destroy();
  expect(() => session.set("n", 1)).toThrow(expect.objectContaining({ code: "SESSION_GONE" }));
  await session.save();
  expect(session.takeCookie()).toMatch(/Max-Age=0/);
});

test("an idle session ends, a used one goes on until its absolute end", async () => {
  const { clock, app } = fixture();
  const sessions = app({ idleMs: 1_000, absoluteMs: 5_000, touchEveryMs: 100 });
  const idle = await stored(sessions);
  const used = await stored(sessions);
  for (let at = 0; at < 9; at++) {
    await clock.advance(500);
    const session = await sessions.open(used).load();
    expect(session.names(), `after ${at}`).toEqual(["n"]);
    session.noteUse();
  }
  expect((await sessions.open(idle).load()).names()).toEqual([]);
  await clock.advance(500);
  expect((await sessions.open(used).load()).names()).toEqual([]);
});

test("a use is noted at most so often", async () => {
  const { clock, faulty, app } = fixture();
  const sessions = app({ store: faulty, touchEveryMs: 60_000 });
  const cookie = await stored(sessions);
  for (let at = 0; at < 10; at++) {
    await clock.advance(30_000);
    (await sessions.open(cookie).load()).noteUse();
  }
  expect(faulty.calls.filter((call) => call === "touch")).toHaveLength(5);
});

test("flash messages are read once", async () => {
  const sessions = fixture().app();
  const cookie = await stored(sessions);
  await sessions.open(cookie).flash("info", "saved");
  await sessions.open(cookie).flash("info", "sent");
  const session = sessions.open(cookie);
  expect(await session.takeFlash("error")).toEqual([]);
  expect(await session.takeFlash("info")).toEqual(["saved", "sent"]);
  expect(await sessions.open(cookie).takeFlash("info")).toEqual([]);
});

test("a form's token belongs to the session, changes with the id, and takes no room", async () => {
  const sessions = fixture().app();
  const first = sessions.open(undefined);
  const token = first.csrfToken();
  await first.save();
  const cookie = cookieOf(first);
  const next = sessions.open(cookie);
  expect(next.hasCsrfToken(token)).toBe(true);
  expect(next.hasCsrfToken("x")).toBe(false);
  expect(next.hasCsrfToken(undefined)).toBe(false);
  expect(sessions.open(await stored(sessions)).hasCsrfToken(token)).toBe(false);
  await next.login("ann");
  expect(next.hasCsrfToken(token)).toBe(false);
});

test("the cookie is signed anew with the first secret at the next write", async () => {
  const { app } = fixture();
  const cookie = await stored(app());
  const rotated = app({ secrets: ["new".padEnd(32, "-"), ...SECRETS] });
  const reading = await rotated.open(cookie).load();
  expect(reading.takeCookie()).toBeUndefined();
  reading.set("n", 1);
  await reading.save();
  const renewed = cookieOf(reading);
  expect(
    await app({ secrets: ["new".padEnd(32, "-")] })
      .open(renewed)
      .get("n"),
  ).toBe(1);
});

test("what is wrong with a value is said where it is set", () => {
  const session = fixture().app().open(undefined);
  expect(() => session.set("n", new Date(0) as never)).toThrow(/session field n is a Date/);
  expect(() => session.set("", 1)).toThrow(/the name of a session field/);
});

test("a session may not grow without end", async () => {
  const session = fixture().app({ maxBytes: 100 }).open(undefined);
  session.set("cart", ["x".repeat(100)]);
  await expect(session.save()).rejects.toThrow(/its largest field is "cart"/);
});

test("what is not loaded is told so, not read as absent", async () => {
  const sessions = fixture().app();
  const session = sessions.open(await stored(sessions));
  expect(() => session.peek("n")).toThrow(/await session\.load\(\)/);
  expect(() => session.userId).toThrow(expect.objectContaining({ code: "SESSION_NOT_LOADED" }));
});

test("the ref is no secret, and ends the session from elsewhere", async () => {
  const sessions = fixture().app();
  const session = sessions.open(await stored(sessions));
  const { ref = "" } = session;
  expect(isSessionId(ref)).toBe(false);
  expect(await sessions.revoke(ref)).toBe(true);
  expect(await sessions.revoke(ref)).toBe(false);
  expect(await session.get("n")).toBeUndefined();
});

test("more sessions of a user than allowed end the oldest, or refuse the login", async () => {
  const { clock, app } = fixture();
  const login = async (sessions: ReturnType<typeof app>): Promise<string> => {
    await clock.advance(10);
    const session = sessions.open(undefined);
    await session.login("ann");
    return cookieOf(session);
  };
  const evicting = app({ maxPerUser: { limit: 2 } });
  const cookies = [await login(evicting), await login(evicting), await login(evicting)];
  const users = await Promise.all(
    cookies.map(async (cookie) => (await evicting.open(cookie).load()).userId),
  );
  expect(users).toEqual([undefined, "ann", "ann"]);
  const refusing = app({ maxPerUser: { limit: 2, overflow: "refuse" } });
  await expect(login(refusing)).rejects.toMatchObject({ code: "SESSION_LIMIT" });
  expect(await refusing.ofUser("ann")).toHaveLength(2);
});
