/** What has ended, was rotated or has expired stays so, whatever else happens at the same time. */

import assert from "node:assert/strict";
import {
  META,
  type SessionStoreCase,
  session,
  sessionStoreCase,
  setting,
  TOUCH,
} from "./conformance-bench.ts";

const SHORT_MS = 250;

export const endCases: readonly SessionStoreCase[] = [
  sessionStoreCase(
    "session save does not resurrect session logged out in other context (Django)",
    async ({ store, key, create }) => {
      const made = key();
      await create(made, { a: "1" });
      assert.equal(await store.destroy(made), true);
      assert.equal(await store.commit(made, setting({ a: "2" }), TOUCH), "gone");
      assert.equal(await store.touch(made, TOUCH), false);
      assert.equal(await store.load(made), undefined);
      assert.equal(await store.destroy(made), false);
    },
  ),
  sessionStoreCase("key miss between check and write leaves nothing (Spring)", async (bench) => {
    const { store, key, create } = bench;
    for (let round = 0; round < 10; round++) {
      const made = key();
      await create(made, { a: "1" });
      const commits = Array.from({ length: 5 }, (_, at) =>
        store.commit(made, setting({ [`f${at}`]: "1" }), TOUCH),
      );
      await Promise.all([...commits, store.destroy(made), store.touch(made, TOUCH)]);
      assert.equal(await store.load(made), undefined);
    }
  }),
  sessionStoreCase("a rotation moves the session and ends the old key", async (bench) => {
    const { store, keys, create, fields } = bench;
    const [from, to] = keys();
    await create(from, { a: "1" });
    const meta = { ...META, userId: "u", authenticatedAtMs: 7 };
    assert.equal(await store.rotate(from, to, meta, TOUCH), true);
    assert.equal(await store.load(from), undefined);
    assert.deepEqual(await fields(to), { a: "1" });
    assert.deepEqual((await store.load(to))?.meta, meta);
    assert.equal(await store.commit(from, setting({ a: "2" }), TOUCH), "gone");
    assert.deepEqual(await fields(to), { a: "1" });
  }),
  sessionStoreCase("change session id on deleted session does nothing (Spring)", async (bench) => {
    const { store, keys, create } = bench;
    const [from, to] = keys();
    await create(from);
    await store.destroy(from);
    assert.equal(await store.rotate(from, to, META, TOUCH), false);
    assert.equal(await store.load(to), undefined);
  }),
  sessionStoreCase("change session id concurrently: one does (Spring)", async (bench) => {
    const { store, keys, create } = bench;
    const [from] = keys();
    await create(from);
    const others = Array.from({ length: 5 }, (_, at) => `${from}-${at}`);
    const done = await Promise.all(others.map((to) => store.rotate(from, to, META, TOUCH)));
    assert.equal(done.filter(Boolean).length, 1);
    const left = await Promise.all(others.map((to) => store.load(to)));
    assert.equal(left.filter((each) => each !== undefined).length, 1);
  }),
  sessionStoreCase(
    "a change beside a rotation is in it, or is told that it is not",
    async (bench) => {
      const { store, keys, create, fields } = bench;
      for (let round = 0; round < 10; round++) {
        const [from, to] = keys();
        await create(from);
        const [result] = await Promise.all([
          store.commit(from, setting({ a: "1" }), TOUCH),
          store.rotate(from, to, META, TOUCH),
        ]);
        assert.deepEqual(await fields(to), result === "ok" ? { a: "1" } : {});
        assert.equal(await store.load(from), undefined);
      }
    },
  ),
  sessionStoreCase("what has expired is gone, and its key is free", async (bench) => {
    const { store, key, keys, pass, create, fields } = bench;
    const [made, [from, to]] = [key(), keys()];
    for (const short of [made, from]) {
      await store.create(short, { ...session({ a: "1" }), ttlMs: SHORT_MS });
    }
    await pass(SHORT_MS + 50);
    assert.equal(await store.load(made), undefined);
    assert.equal(await store.commit(made, setting({ a: "2" }), TOUCH), "gone");
    assert.equal(await store.touch(made, TOUCH), false);
    assert.equal(await store.rotate(from, to, META, TOUCH), false);
    assert.equal(await store.destroy(made), false);
    assert.equal(await create(made, { b: "1" }), true);
    assert.deepEqual(await fields(made), { b: "1" });
  }),
  sessionStoreCase("a touch, a commit and a rotation each begin its time anew", async (bench) => {
    const { store, key, keys, pass } = bench;
    const [touched, committed, [from, to]] = [key(), key(), keys()];
    for (const short of [touched, committed, from]) {
      await store.create(short, { ...session(), ttlMs: SHORT_MS });
    }
    const seen = { seenAtMs: TOUCH.seenAtMs + 5_000, ttlMs: 60_000 };
    await store.touch(touched, seen);
    await store.commit(committed, setting({ a: "1" }), seen);
    await store.rotate(from, to, META, seen);
    await pass(SHORT_MS + 50);
    for (const alive of [touched, committed, to]) {
      assert.equal((await store.load(alive))?.seenAtMs, seen.seenAtMs);
    }
  }),
  sessionStoreCase("a touch shortens a life as well", async ({ store, key, create, pass }) => {
    const made = key();
    await create(made);
    await store.touch(made, { ...TOUCH, ttlMs: SHORT_MS });
    await pass(SHORT_MS + 50);
    assert.equal(await store.load(made), undefined);
  }),
];
