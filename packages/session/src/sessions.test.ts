import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { cookieOf, fixture, stored } from "../test/session-fixture.ts";
import { createSessions } from "./sessions.ts";

const upgrade = (cookie: string) =>
  ({ headers: { cookie }, socket: { remoteAddress: "::1" } }) as IncomingMessage;

test("the first cookie of the name whose signature is right is taken", async () => {
  const sessions = fixture().app();
  const cookie = await stored(sessions, { n: 4 });
  const [name = "", value = ""] = cookie.split("=");
  const header = `a=b; ${name}=tossed; ${name}=${value}x; ${name}=${value}; c=d`;
  expect(await sessions.open(header).get("n")).toBe(4);
});

test("a socket is told when its session ends, by whatever process, and only of that", async () => {
  const { app } = fixture();
  const [one, other] = [app(), app()];
  const [cookie, another] = [await stored(one), await stored(one)];
  const session = await one.fromUpgrade(upgrade(cookie));
  let revoked = 0;
  const stop = one.onRevoked(session, () => revoked++);
  await other.open(another).logout();
  expect(revoked).toBe(0);
  await other.open(cookie).logout();
  expect(revoked).toBe(1);
  stop();
});

test("after a gap the session is looked up: its end may not have been heard", async () => {
  const { store, app } = fixture();
  const listeners = new EventEmitter();
  const deaf = Object.assign(Object.create(null), {
    name: "deaf",
    load: (key: string) => store.load(key),
    create: store.create.bind(store),
    commit: store.commit.bind(store),
    touch: store.touch.bind(store),
    rotate: store.rotate.bind(store),
    destroy: store.destroy.bind(store),
    listen: ({ gap }: { gap(): void }) => {
      listeners.on("gap", gap);
      return () => listeners.off("gap", gap);
    },
  });
  const sessions = app({ store: deaf });
  const cookie = await stored(sessions);
  const session = await sessions.fromUpgrade(upgrade(cookie));
  const revoked = new Promise<void>((resolve) => sessions.onRevoked(session, resolve));
  await store.destroy(session.ref ?? "");
  listeners.emit("gap");
  await revoked;
});

test("a store that cannot tell says so", async () => {
  const { faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const session = sessions.open(await stored(sessions));
  expect(() => sessions.onRevoked(session, () => {})).toThrow(/does not tell which sessions end/);
});

test("a user sees devices, ends one, all but this one, all", async () => {
  const { clock, app } = fixture();
  const sessions = app({ hardRevoke: true });
  const login = async (userAgent: string) => {
    await clock.advance(1_000);
    const session = sessions.open(undefined, () => ({ ip: "::1", userAgent }));
    await session.login("ann");
    return session;
  };
  const [phone, laptop, tablet] = [
    await login("phone"),
    await login("laptop"),
    await login("tablet"),
  ];
  const list = await sessions.ofUser("ann");
  expect(list.map(({ meta }) => meta.device?.userAgent)).toEqual(["tablet", "laptop", "phone"]);
  expect(await sessions.revoke(phone.ref ?? "")).toBe(true);
  expect(await sessions.revokeUser("ann", { except: laptop.ref })).toBe(1);
  expect((await sessions.open(cookieOf(laptop)).load()).userId).toBe("ann");
  expect((await sessions.open(cookieOf(tablet)).load()).userId).toBeUndefined();
  const underWay = sessions.open(undefined);
  await underWay.login("ann");
  expect(await sessions.revokeUser("ann")).toBe(2);
  expect(await sessions.wipeUser("ann")).toBe(0);
});

test("what is wrong is said at construction, and where the middleware is missing", async () => {
  expect(() => createSessions({ secrets: [] } as never)).toThrow(/store must be/);
  const sessions = fixture().app();
  expect(() => sessions.of(upgrade(""))).toThrow(/app\.use\(sessions\.express\(\)\)/);
  await sessions.close();
});

test("expired sessions are swept until it is closed", async () => {
  const { clock, store, app } = fixture();
  const sessions = app({ idleMs: 1_000 });
  await stored(sessions);
  await clock.advance(300_000);
  await sessions[Symbol.asyncDispose]();
  expect(await store.sweep(10)).toBe(0);
});
