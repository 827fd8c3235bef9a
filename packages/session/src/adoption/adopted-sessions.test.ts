import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { cookieOf, fixture } from "../../test/session-fixture.ts";
import { type AdoptOptions, adoptRules } from "./adopted-sessions.ts";
import type { ForeignSessions } from "./foreign-sessions.ts";

const [ID, secret] = ["theirs-theirs-theirs-theirs-1234", "keyboard cat"];
const mac = createHmac("sha256", secret).update(ID).digest("base64").replace(/=+$/, "");
const COOKIE = `connect.sid=${encodeURIComponent(`s:${ID}.${mac}`)}`;

function setup(options: Partial<AdoptOptions> = {}) {
  const kept = new Map<string, Record<string, unknown>>([
    [ID, { cookie: { originalMaxAge: 5 }, passport: { user: "ann" }, n: 3 }],
  ]);
  const calls: string[] = [];
  const from: ForeignSessions = {
    name: "foreign",
    load: async (id) => {
      calls.push("load");
      return kept.get(id);
    },
    destroy: async (id) => {
      calls.push("destroy");
      return kept.delete(id);
    },
  };
  const userId = (data: object) => (Reflect.get(data, "passport") as { user: string }).user;
  const parts = fixture();
  const adopt = { secrets: [secret], from, userId, ...options };
  return { ...parts, calls, kept, sessions: parts.app({ adopt }) };
}

test("who was logged in stays so, is listed, and has no new cookie before there is a new id", async () => {
  const { sessions } = setup();
  const session = await sessions.open(COOKIE).load();
  expect([session.userId, session.peek("n"), session.names()]).toEqual([
    "ann",
    3,
    ["passport", "n"],
  ]);
  expect(session.isFresh(1e9)).toBe(false);
  session.set("n", 4);
  await session.save();
  expect(session.takeCookie()).toBeUndefined();
  expect(await sessions.ofUser("ann")).toHaveLength(1);
  expect(await sessions.open(COOKIE).update("n", (n = 0) => n + 1)).toBe(5);
});

test("a login takes an id of ours, and the old cookie is worth nothing then", async () => {
  const { sessions } = setup();
  const session = await sessions.open(COOKIE).load();
  await session.login("ann");
  const after = await sessions.open(`${COOKIE}; ${cookieOf(session)}`).load();
  expect([after.userId, after.peek("n")]).toEqual(["ann", 3]);
  expect((await sessions.open(COOKIE).load()).names()).toEqual([]);
});

test("a logout ends it, there too, and it ends in any case when it is too old", async () => {
  const ended = setup();
  await ended.sessions.open(COOKIE).logout();
  expect(ended.kept.size).toBe(0);
  const { sessions, clock } = setup();
  await sessions.open(COOKIE).load();
  await clock.advance(31 * 60_000);
  expect((await sessions.open(COOKIE).load()).names()).toEqual([]);
});

test("who asks for nothing costs nothing, and a cookie that is not signed neither", async () => {
  const { sessions, calls } = setup();
  sessions.open(COOKIE);
  const forged = COOKIE.replace("theirs", "others");
  expect((await sessions.open(forged).load()).names()).toEqual([]);
  expect(calls).toEqual([]);
});

test("without `from` the session is where toExpressSessionStore has put it", async () => {
  const { sessions } = setup({ from: undefined });
  const session = await sessions.open(COOKIE).load();
  expect(session.names()).toEqual([]);
});

test.each([
  [{ secret: "a" }, /adopt has no option "secret"|did you mean "secrets"/],
  [{ secrets: secret }, /adopt.secrets must be a list/],
  [{ secrets: [""] }, /adopt.secrets must be a list/],
  [{ cookie: "" }, /adopt.cookie/],
  [{ from: {} }, /adopt.from must be an object with load, destroy/],
  [{ userId: "ann" }, /adopt.userId must be a function/],
])("%o is refused", (wrong, message) => {
  expect(() => adoptRules({ secrets: [secret], ...wrong } as AdoptOptions)).toThrow(message);
});
