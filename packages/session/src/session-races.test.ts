/** Requests beside each other, in every order that the store can be asked in. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { cookieOf, fixture, stored } from "../test/session-fixture.ts";
import { faultySessionStore } from "./faulty-store.ts";

test("of 20 parallel requests each writing its own field, 20 writes survive", async () => {
  const { app } = fixture();
  const [one, other] = [app(), app()];
  const cookie = await stored(one);
  await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const session = await (at % 2 === 0 ? one : other).open(cookie).load();
      session.set(`field-${at}`, at);
      await session.save();
    }),
  );
  expect((await one.open(cookie).load()).names()).toHaveLength(21);
});

test("1,000 increments of two processes are 1,000", async () => {
  const { app } = fixture();
  const apps = [app(), app()];
  const cookie = await stored(app());
  await Promise.all(
    Array.from({ length: 1_000 }, async (_, at) => {
      await apps[at % 2]?.open(cookie).update("n", (n = 0) => n + 1);
    }),
  );
  expect(await app().open(cookie).get("n")).toBe(1_000);
});

test("in every order a request beside a logout brings nothing back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, reads) => {
      const { store, app } = fixture();
      const faulty = faultySessionStore(store);
      const cookie = await stored(app());
      const sessions = app({ store: faulty });
      faulty.before = () => scheduler.schedule(Promise.resolve());
      const writing = sessions.open(cookie);
      const write = async (): Promise<boolean> => {
        if (reads) await writing.load();
        const hasFound = reads && writing.names().length > 0;
        writing.set("n", 1);
        await writing.commit();
        return hasFound;
      };
      const both = Promise.all([write(), sessions.open(cookie).logout()]);
      const [hasFound] = await scheduler.waitFor(both);
      expect((await app().open(cookie).load()).names()).toEqual([]);
      // What was read of the ended session is in no new one; a blind write may be in one of its own.
      if (hasFound) expect(writing.takeCookie()).toBeUndefined();
    }),
  );
});

test("in every order a write beside a login is in the user's session, or is told to be lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { store, app } = fixture();
      const faulty = faultySessionStore(store);
      const cookie = await stored(app());
      const sessions = app({ store: faulty });
      const loggingIn = await sessions.open(cookie).load();
      const writing = await sessions.open(cookie).load();
      faulty.before = () => scheduler.schedule(Promise.resolve());
      writing.set("n", 5);
      const both = Promise.all([writing.commit(), loggingIn.login("ann")]);
      const [result] = await scheduler.waitFor(both);
      const after = await app().open(cookieOf(loggingIn)).load();
      expect(after.userId).toBe("ann");
      expect(after.peek("n")).toBe(result === "ok" ? 5 : 0);
      expect((await app().open(cookie).load()).userId).toBeUndefined();
    }),
  );
});

test("100 requests at once note one use", async () => {
  const { clock, faulty, app } = fixture();
  const sessions = app({ store: faulty });
  const cookie = await stored(sessions);
  await clock.advance(120_000);
  const all = Array.from({ length: 100 }, () => sessions.open(cookie));
  await Promise.all(all.map((session) => session.load()));
  for (const session of all) session.noteUse();
  expect(faulty.calls.filter((call) => call === "touch")).toHaveLength(1);
});

test("in every order of two logins at once one has the fields, both are the user's, and the old id is over", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { store, app } = fixture();
      const cookie = await stored(app(), { n: 7 });
      const logins = await Promise.all(
        [0, 1].map(() => {
          const faulty = faultySessionStore(store);
          const session = app({ store: faulty }).open(cookie);
          return session.load().then(() => ({ faulty, session }));
        }),
      );
      for (const { faulty } of logins) faulty.before = () => scheduler.schedule(Promise.resolve());
      await scheduler.waitFor(Promise.all(logins.map(({ session }) => session.login("ann"))));
      const after = await Promise.all(
        logins.map(({ session }) => app().open(cookieOf(session)).load()),
      );
      expect(after.map(({ userId }) => userId)).toEqual(["ann", "ann"]);
      expect(after.filter((session) => session.peek("n") === 7)).toHaveLength(1);
      expect((await app().open(cookie).load()).names()).toEqual([]);
    }),
  );
});
