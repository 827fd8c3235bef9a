import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cookieOf, fixture, stored } from "../test/session-fixture.ts";
import { faultySessionStore } from "./faulty-store.ts";
import { LocalCopies } from "./local-copies.ts";
import { memoryStore } from "./memory-store.ts";
import { redisStore } from "./redis/redis-store.ts";
import type { SessionListener } from "./store.ts";

const TOUCH = { seenAtMs: 0, ttlMs: 60_000 };

/** Two processes with copies, of one store that each of them asks for itself. */
async function setup(ttlMs = 1_000) {
  const clock = createManualClock();
  const store = memoryStore({ clock });
  const listeners: SessionListener[] = [];
  const process = (isHeard = true) => {
    const faulty = faultySessionStore(store);
    const announcer = {
      announcesChanges: true,
      listen: (listener: SessionListener) => {
        listeners.push(listener);
        return isHeard ? store.listen(listener) : () => {};
      },
    };
    const copies = new LocalCopies(faulty, { announcer, ttlMs, maxSessions: 10, clock });
    return { faulty, copies };
  };
  const fields = new Map([["a", "1"]]);
  await store.create("key", { fields, meta: { createdAtMs: 0 }, ...TOUCH });
  return { clock, store, process, listeners };
}

const change = { set: new Map([["a", "2"]]), del: [] };

test("what was read is read again without asking, until another process changes or ends it", async () => {
  const { process } = await setup();
  const [one, other] = [process(), process()];
  const read = async () => (await one.copies.load("key"))?.fields.get("a");
  expect([await read(), await read(), await read()]).toEqual(["1", "1", "1"]);
  expect(one.faulty.calls).toEqual(["load"]);
  await other.copies.commit("key", change, TOUCH);
  expect(await read()).toBe("2");
  await other.copies.destroy("key");
  expect(await read()).toBeUndefined();
});

test("the window of a revocation whose message is lost is ttlMs", async () => {
  const { process, clock, store } = await setup(1_000);
  const deaf = process(false);
  await deaf.copies.load("key");
  await store.destroy("key");
  await clock.advance(999);
  expect(await deaf.copies.load("key")).toBeDefined();
  await clock.advance(1);
  expect(await deaf.copies.load("key")).toBeUndefined();
});

test("what this process does itself, and whatever came of it, is read from the store", async () => {
  const { process } = await setup();
  const { copies, faulty } = process(false);
  const read = async () => (await copies.load("key"))?.fields.get("a");
  await read();
  faulty.fault = "lost-reply";
  await expect(copies.commit("key", change, TOUCH)).rejects.toThrow();
  faulty.fault = "none";
  expect(await read()).toBe("2");
  await copies.rotate("key", "new", { createdAtMs: 0 }, TOUCH);
  expect(await read()).toBeUndefined();
});

test("a gap drops everything, close ends the subscription", async () => {
  const { process, listeners, store } = await setup();
  const { copies, faulty } = process();
  await copies.load("key");
  for (const listener of listeners) listener.gap?.();
  await copies.load("key");
  expect(faulty.calls).toEqual(["load", "load"]);
  copies.close();
  await copies.load("key");
  await store.destroy("key");
  expect(await copies.load("key")).toBeDefined();
});

test("in every order a read beside a change or an end leaves no old copy", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, ends) => {
      const { process, store } = await setup();
      const [reading, writing] = [process(), process()];
      for (const { faulty } of [reading, writing]) {
        const load = faulty.load;
        // The answer is on its way for as long as the scheduler likes.
        faulty.load = async (key) => {
          const found = await load(key);
          await scheduler.schedule(Promise.resolve());
          return found;
        };
        faulty.before = () => scheduler.schedule(Promise.resolve());
      }
      const write = ends
        ? () => writing.copies.destroy("key")
        : () => writing.copies.commit("key", change, TOUCH);
      await scheduler.waitFor(Promise.all([reading.copies.load("key"), write()]));
      const after = scheduler.waitFor(reading.copies.load("key"));
      expect((await after)?.fields.get("a")).toBe((await store.load("key"))?.fields.get("a"));
    }),
  );
});

test("sessions with copies lose no write and no increment", async () => {
  const { store, app } = fixture();
  const apps = [app({ store, l1: {} }), app({ store, l1: { ttlMs: 60_000 } })] as const;
  const cookie = await stored(apps[0]);
  await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      apps[at % 2 === 0 ? 0 : 1].open(cookie).update("n", (n = 0) => n + 1),
    ),
  );
  expect(await apps[0].open(cookie).get("n")).toBe(200);
  const login = await apps[1].open(cookie).load();
  await login.login("ann");
  expect((await apps[0].open(cookie).load()).names()).toEqual([]);
  expect((await apps[0].open(cookieOf(login)).load()).userId).toBe("ann");
  await apps[1].revokeUser("ann");
  expect((await apps[0].open(cookieOf(login)).load()).userId).toBeUndefined();
  for (const each of apps) await each.close();
});

test("it is off, and refused where nothing tells what is old", () => {
  const { app, faulty } = fixture();
  expect(() => app({ store: faulty, l1: {} })).toThrow(/l1 needs a store that announces/);
  const methods = ["call", "callBuffer", "duplicate", "disconnect", "on"];
  const client = Object.fromEntries(methods.map((name) => [name, () => {}]));
  const store = redisStore(client as never);
  expect(() => app({ store, l1: {} })).toThrow(/announceChanges: true/);
  expect(() => app({ l1: { ttl: 5 } as never })).toThrow(/did you mean "ttlMs"/);
});
