import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { memoryStore } from "../memory-store.ts";
import type { CookieSessionsOptions } from "../session-rules.ts";
import { createSessions } from "../sessions.ts";
import { cookieStore, isCookieStore } from "./cookie-store.ts";

interface Shop {
  cart: string[];
  theme: string;
}
const secrets = ["s".repeat(32)];

function setup(options: Partial<CookieSessionsOptions> = {}) {
  const clock = createManualClock();
  const sessions = createSessions<Shop>({ store: cookieStore(), secrets, clock, ...options });
  type Own = ReturnType<typeof sessions.open>;
  const cookieOf = (session: Own) => session.takeCookie()?.split(";")[0];
  const begun = async (): Promise<string | undefined> => {
    const session = sessions.open(undefined);
    session.set("theme", "dark");
    await session.save();
    return cookieOf(session);
  };
  return { clock, sessions, cookieOf, begun };
}

test("a session is in its cookie, as far as any server is concerned that has the secret", async () => {
  const { sessions, begun, cookieOf } = setup();
  const cookie = await begun();
  const elsewhere = setup().sessions.open(cookie);
  expect(await elsewhere.get("theme")).toBe("dark");
  expect(elsewhere.takeCookie()).toBeUndefined();
  const own = sessions.open(cookie);
  own.set("cart", ["a"]);
  await own.login("ann");
  const after = await sessions.open(cookieOf(own)).load();
  expect([after.userId, after.peek("cart"), after.peek("theme")]).toEqual(["ann", ["a"], "dark"]);
  expect(after.ref).not.toBe(own.ref === undefined ? "" : sessions.open(cookie).ref);
  await after.flash("note", "saved");
  const noted = await sessions.open(cookieOf(after)).load();
  expect(await noted.takeFlash("note")).toEqual(["saved"]);
  await noted.logout();
  expect(noted.takeCookie()).toMatch(/Max-Age=0/);
});

test("its idle and its absolute time are in what is sealed: an old cookie is worth nothing", async () => {
  const { clock, sessions, begun, cookieOf } = setup({ idleMs: 10_000, absoluteMs: 25_000 });
  let cookie = await begun();
  const first = cookie;
  for (let at = 0; at < 4; at++) {
    await clock.advance(6_000);
    const session = await sessions.open(cookie).load();
    expect(session.peek("theme")).toBe("dark");
    session.noteUse();
    cookie = cookieOf(session);
  }
  expect((await sessions.open(first).load()).names()).toEqual([]);
  await clock.advance(1_500);
  expect((await sessions.open(cookie).load()).names()).toEqual([]);
});

test("secrets are rotated: an old one opens, and the next answer seals with the new", async () => {
  const { begun } = setup();
  const rotated = setup({ secrets: ["t".repeat(32), ...secrets] });
  const session = await rotated.sessions.open(await begun()).load();
  session.set("theme", "light");
  await session.save();
  const cookie = rotated.cookieOf(session);
  const next = setup({ secrets: ["t".repeat(32)] }).sessions;
  expect(await next.open(cookie).get("theme")).toBe("light");
});

test("4096 bytes are the limit, name included, and the field is named", async () => {
  const { sessions } = setup();
  const session = sessions.open(undefined);
  session.set("theme", "x".repeat(2_800));
  await session.save();
  expect((session.takeCookie() ?? "").split(";")[0]?.length).toBeLessThanOrEqual(4_097);
  session.set("theme", "x".repeat(3_000));
  await expect(session.save()).rejects.toThrow(/largest field is "theme"/);
});

test("of two requests at once the last cookie wins, which is why there is no update", async () => {
  const { sessions, begun, cookieOf } = setup();
  const cookie = await begun();
  const [one, other] = [sessions.open(cookie), sessions.open(cookie)];
  one.set("cart", ["a"]);
  other.set("theme", "light");
  await Promise.all([one.save(), other.save()]);
  const last = await sessions.open(cookieOf(other)).load();
  expect([last.peek("theme"), last.peek("cart")]).toEqual(["light", undefined]);
  const update = Reflect.get(other, "update").call(other, "theme", () => "dark");
  await expect(update).rejects.toMatchObject({ code: "SESSION_UNSUPPORTED" });
});

test("what it cannot do is data, is refused at boot, and is told to who asks", async () => {
  expect(cookieStore().capabilities).toEqual({
    revocation: false,
    userList: false,
    concurrentWriters: false,
  });
  expect([isCookieStore(cookieStore()), isCookieStore(memoryStore())]).toEqual([true, false]);
  for (const [name, value] of Object.entries({
    maxPerUser: { limit: 1 },
    hardRevoke: true,
    onStoreError: "fail",
    timeoutMs: 5,
    maxBytes: 5,
    l1: {},
  })) {
    expect(() => setup({ [name]: value })).toThrow(`${name} needs a store on a server`);
  }
  const { sessions } = setup();
  const calls = ["ofUser", "revoke", "revokeUser", "wipeUser"];
  for (const call of calls) {
    const told = Reflect.get(sessions, call).call(sessions, "ann");
    await expect(told).rejects.toMatchObject({ code: "SESSION_UNSUPPORTED" });
  }
});
