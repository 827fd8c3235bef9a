/** Fields are kept as they are, and only those that are named change. */

import assert from "node:assert/strict";
import {
  deleting,
  META,
  type SessionStoreCase,
  session,
  sessionStoreCase,
  setting,
  TOUCH,
} from "./conformance-bench.ts";

/** Those of Django (`SessionTestsMixin`) and Spring Session (`RedisSessionRepositoryITests`) are named after them. */
export const fieldCases: readonly SessionStoreCase[] = [
  sessionStoreCase("session load does not create record (Django)", async ({ store, key }) => {
    const unknown = key();
    assert.equal(await store.load(unknown), undefined);
    assert.equal(await store.touch(unknown, TOUCH), false);
    assert.equal(await store.commit(unknown, setting({ a: "1" }), TOUCH), "gone");
    assert.equal(await store.load(unknown), undefined);
  }),
  sessionStoreCase("what is created is loaded", async ({ store, key }) => {
    const [meta, fields] = [
      {
        ...META,
        userId: "u",
        authenticatedAtMs: 5,
        device: { ip: "::1", userAgent: "a" },
        epoch: 3,
      },
      { cart: '["a"]', empty: '""' },
    ];
    const made = key();
    assert.equal(await store.create(made, session(fields, meta)), true);
    const stored = await store.load(made);
    assert.deepEqual(stored && Object.fromEntries(stored.fields), fields);
    assert.deepEqual(stored?.meta, meta);
    assert.equal(stored?.seenAtMs, TOUCH.seenAtMs);
  }),
  sessionStoreCase("a session without fields is one", async ({ key, create, fields }) => {
    const made = key();
    await create(made);
    assert.deepEqual(await fields(made), {});
  }),
  sessionStoreCase("a key that is in use is not made again", async ({ key, create, fields }) => {
    const made = key();
    await create(made, { a: "1" });
    assert.equal(await create(made, { a: "2" }), false);
    assert.deepEqual(await fields(made), { a: "1" });
  }),
  sessionStoreCase("of many who make one session one does", async ({ key, create }) => {
    const made = key();
    const done = await Promise.all(Array.from({ length: 20 }, () => create(made)));
    assert.equal(done.filter(Boolean).length, 1);
  }),
  sessionStoreCase("a commit changes what it names and nothing else", async (bench) => {
    const { store, key, create, fields } = bench;
    const made = key();
    await create(made, { a: "1", b: "2", c: "3" });
    const change = {
      set: new Map([
        ["b", "20"],
        ["d", "4"],
      ]),
      del: ["c", "unknown"],
    };
    assert.equal(await store.commit(made, change, TOUCH), "ok");
    assert.deepEqual(await fields(made), { a: "1", b: "20", d: "4" });
  }),
  sessionStoreCase("save concurrent updates should save session (Spring)", async (bench) => {
    const { store, key, create, fields } = bench;
    const made = key();
    await create(made);
    const names = Array.from({ length: 20 }, (_, at) => `field-${at}`);
    const results = await Promise.all(
      names.map((name) => store.commit(made, setting({ [name]: '"x"' }), TOUCH)),
    );
    assert.deepEqual(new Set(results), new Set(["ok"]));
    assert.deepEqual(await fields(made), Object.fromEntries(names.map((name) => [name, '"x"'])));
  }),
  sessionStoreCase("a session stays when its last field goes", async (bench) => {
    const { store, key, create, fields } = bench;
    const made = key();
    await create(made, { a: "1" });
    assert.equal(await store.commit(made, deleting("a"), TOUCH), "ok");
    assert.deepEqual(await fields(made), {});
  }),
  sessionStoreCase("an expected text decides, and so does an expected absence", async (bench) => {
    const { store, key, create, fields } = bench;
    const made = key();
    await create(made, { a: "1" });
    const commit = (fieldsToSet: Record<string, string>, expect: [string, string | undefined][]) =>
      store.commit(made, setting(fieldsToSet, new Map(expect)), TOUCH);
    assert.equal(await commit({ a: "9", b: "9" }, [["a", "2"]]), "conflict");
    assert.equal(await commit({ a: "9" }, [["a", undefined]]), "conflict");
    assert.equal(
      await commit({ a: "9" }, [
        ["a", "1"],
        ["b", "1"],
      ]),
      "conflict",
    );
    assert.deepEqual(await fields(made), { a: "1" });
    assert.equal(await commit({ b: "1" }, [["b", undefined]]), "ok");
    assert.equal(
      await commit({ a: "2" }, [
        ["a", "1"],
        ["b", "1"],
      ]),
      "ok",
    );
    assert.deepEqual(await fields(made), { a: "2", b: "1" });
  }),
  sessionStoreCase("of many who expect one text one wins", async ({ store, key, create }) => {
    const made = key();
    await create(made, { a: "0" });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        store.commit(made, setting({ a: `${at + 1}` }, new Map([["a", "0"]])), TOUCH),
      ),
    );
    assert.equal(results.filter((result) => result === "ok").length, 1);
    assert.equal(results.filter((result) => result === "conflict").length, 19);
  }),
  sessionStoreCase(
    "names and texts are kept as they are",
    async ({ store, key, create, fields }) => {
      const odd = {
        __proto__x: "1",
        constructor: "2",
        m: "3",
        s: "4",
        "f:m": "5",
        "quo\"te'\\": '"6"',
        "naïve 🎈": '"\\u0000 ünï 🎈"',
        spaced: '{"a" :  1.0}',
        large: JSON.stringify("x".repeat(50_000)),
      };
      const made = key();
      await create(made, odd);
      assert.deepEqual(await fields(made), odd);
      assert.equal(await store.commit(made, setting({ ...odd, m: '"7"' }), TOUCH), "ok");
      assert.deepEqual(await fields(made), { ...odd, m: '"7"' });
    },
  ),
  sessionStoreCase("what was loaded is a copy", async ({ store, key, create }) => {
    const made = key();
    await create(made, { a: "1" });
    const stored = await store.load(made);
    await store.commit(made, setting({ a: "2" }), TOUCH);
    assert.equal(stored?.fields.get("a"), "1");
  }),
];
