/** Leases: one caller loads, and nothing that was loaded before an invalidation is stored after it. */

import assert from "node:assert/strict";
import {
  type Bench,
  bytesOf,
  type ConformanceCase,
  conformanceCase,
  MINUTE_MS,
  only,
  textOf,
} from "./conformance-bench.ts";

export const leaseCases: readonly ConformanceCase[] = [
  conformanceCase(
    "a miss gives the lease to one caller, the others find it held",
    async (bench) => {
      const { ours, theirs, key } = bench;
      const missing = key();
      const tokens = Array.from({ length: 10 }, (_, at) => `token-${at}`);
      const replies = await Promise.all(
        tokens.map((token, at) => {
          const { store } = at % 2 === 0 ? ours : theirs;
          return only(store.lease([{ key: missing, token, leaseMs: MINUTE_MS, refresh: false }]));
        }),
      );
      const kinds = replies.map(({ kind }) => kind).sort();
      assert.deepEqual(kinds, ["granted", ...Array<string>(9).fill("held")]);
      for (const { partition } of replies) assert.equal(partition, ours.store.partitionOf(missing));
    },
  ),

  conformanceCase("a fill under the lease is stored, and ends the lease", async (bench) => {
    const { key, lease, fill, text } = bench;
    const missing = key();
    assert.equal((await lease(missing, "a")).kind, "granted");
    assert.equal(await fill(missing, "a", "loaded"), true);
    assert.equal(await text(missing), "loaded");
    assert.equal(await fill(missing, "a", "again"), false);
    assert.equal(await text(missing), "loaded");
    assert.equal((await lease(missing, "b", { refresh: true })).kind, "granted");
  }),

  conformanceCase(
    "a caller that comes when there is a value gets the value, and no lease",
    async (bench) => {
      const { key, lease, fill, write } = bench;
      const present = key();
      await write(present, "value");
      const reply = await lease(present, "a");
      assert.equal(reply.kind, "value");
      assert.equal(reply.kind === "value" && textOf(reply.bytes), "value");
      assert.equal(await fill(present, "a", "loaded"), false);
    },
  ),

  conformanceCase(
    "a refresh gets the lease although there is a value, and replaces it",
    async (bench) => {
      const { key, lease, fill, write, text } = bench;
      const present = key();
      await write(present, "old");
      assert.equal((await lease(present, "a", { refresh: true })).kind, "granted");
      assert.equal((await lease(present, "b", { refresh: true })).kind, "held");
      assert.equal((await lease(present, "c")).kind, "value");
      assert.equal(await text(present), "old");
      assert.equal(await fill(present, "a", "new"), true);
      assert.equal(await text(present), "new");
    },
  ),

  conformanceCase(
    "replies are in the order of the requests, each key for itself",
    async (bench) => {
      const { ours, key, lease, write } = bench;
      const [present, held, missing] = [key(), key(), key()];
      await write(present, "value");
      await lease(held, "other");
      const keys = [missing, held, present, key()];
      const replies = await ours.store.lease(
        keys.map((each) => ({ key: each, token: "a", leaseMs: MINUTE_MS, refresh: false })),
      );
      assert.deepEqual(
        replies.map(({ kind }) => kind),
        ["granted", "held", "value", "granted"],
      );
      const filled = await ours.store.fill(
        keys.map((each) => ({ key: each, token: "a", bytes: bytesOf(each), ttlMs: MINUTE_MS })),
      );
      assert.deepEqual(filled, [true, false, false, true]);
    },
  ),

  conformanceCase("a fill without the token is refused", async ({ key, lease, fill, text }) => {
    const missing = key();
    assert.equal(await fill(missing, "never granted", "forged"), false);
    await lease(missing, "a");
    assert.equal(await fill(missing, "b", "forged"), false);
    assert.equal(await text(missing), undefined);
    assert.equal(await fill(missing, "a", "loaded"), true);
  }),

  conformanceCase(
    "an invalidation voids the lease: what was loaded before it is not stored",
    async (bench) => {
      const { theirs, key, lease, fill, text } = bench;
      const missing = key();
      await lease(missing, "slow");
      await theirs.store.invalidate([missing], { holdForMs: 0 });
      assert.equal(await fill(missing, "slow", "old"), false);
      assert.equal(await text(missing), undefined);
      assert.equal((await lease(missing, "next")).kind, "granted");
      assert.equal(await fill(missing, "slow", "old"), false);
      assert.equal(await fill(missing, "next", "new"), true);
      assert.equal(await text(missing), "new");
    },
  ),

  conformanceCase(
    "a write voids the lease, and stays",
    async ({ key, lease, fill, write, text }) => {
      const missing = key();
      await lease(missing, "slow");
      await write(missing, "written");
      assert.equal(await fill(missing, "slow", "old"), false);
      assert.equal(await text(missing), "written");
    },
  ),

  conformanceCase(
    "a lease that runs out is anybody's, and its old holder's fill is refused",
    async (bench) => {
      const { pass, key, lease, fill } = bench;
      const missing = key();
      await lease(missing, "a", { leaseMs: 200 });
      assert.equal((await lease(missing, "b")).kind, "held");
      await pass(300);
      assert.equal(await fill(missing, "a", "late"), false);
      assert.equal((await lease(missing, "b")).kind, "granted");
      assert.equal(await fill(missing, "a", "late"), false);
      assert.equal(await fill(missing, "b", "loaded"), true);
    },
  ),

  conformanceCase("renew makes a lease last from now, for its holder alone", async (bench) => {
    const { pass, ours, key, lease, fill } = bench;
    const missing = key();
    await lease(missing, "a", { leaseMs: 400 });
    assert.equal(await ours.store.renew(missing, "b", MINUTE_MS), false);
    assert.equal(await ours.store.renew(missing, "a", MINUTE_MS), true);
    await pass(600);
    assert.equal((await lease(missing, "b")).kind, "held");
    assert.equal(await fill(missing, "a", "loaded"), true);
    assert.equal(await ours.store.renew(missing, "a", MINUTE_MS), false);
  }),

  conformanceCase(
    "renew tells the holder that its lease was voided or has run out",
    async (bench) => {
      const { pass, ours, theirs, key, lease } = bench;
      const [voided, expired] = [key(), key()];
      await lease(voided, "a");
      await theirs.store.invalidate([voided], { holdForMs: 0 });
      assert.equal(await ours.store.renew(voided, "a", MINUTE_MS), false);
      await lease(expired, "a", { leaseMs: 100 });
      await pass(200);
      assert.equal(await ours.store.renew(expired, "a", MINUTE_MS), false);
    },
  ),

  conformanceCase(
    "release gives the lease to the next caller, and only its holder can",
    async (bench) => {
      const { ours, key, lease, fill, write, text } = bench;
      const missing = key();
      await lease(missing, "a");
      await ours.store.release(missing, "b");
      assert.equal((await lease(missing, "b")).kind, "held");
      await ours.store.release(missing, "a");
      assert.equal(await fill(missing, "a", "loaded"), false);
      assert.equal((await lease(missing, "b")).kind, "granted");
      await write(missing, "written");
      await ours.store.release(missing, "b");
      assert.equal(await text(missing), "written");
    },
  ),

  conformanceCase("after an invalidation with a hold nothing is stored until it is over", holds),

  conformanceCase(
    "a second invalidation does not shorten a hold",
    async ({ pass, ours, key, lease }) => {
      const held = key();
      await ours.store.invalidate([held], { holdForMs: 500 });
      await ours.store.invalidate([held], { holdForMs: 0 });
      await ours.store.invalidate([held], { holdForMs: 10 });
      await pass(200);
      assert.equal((await lease(held, "a")).kind, "on-hold");
      await pass(500);
      assert.equal((await lease(held, "a")).kind, "granted");
    },
  ),

  conformanceCase("a write is stored during a hold too, and the hold goes on", async (bench) => {
    const { ours, key, lease, write, text } = bench;
    const held = key();
    await ours.store.invalidate([held], { holdForMs: MINUTE_MS });
    await write(held, "written");
    assert.equal(await text(held), "written");
    assert.equal((await lease(held, "a")).kind, "value");
    assert.equal((await lease(held, "a", { refresh: true })).kind, "on-hold");
  }),
];

async function holds({ pass, ours, key, lease, fill, text }: Bench): Promise<void> {
  const held = key();
  await lease(held, "slow");
  await ours.store.invalidate([held], { holdForMs: 400 });
  assert.equal(await fill(held, "slow", "old"), false);
  assert.equal((await lease(held, "a")).kind, "on-hold");
  assert.equal((await lease(held, "a", { refresh: true })).kind, "on-hold");
  assert.equal(await fill(held, "a", "old"), false);
  assert.equal(await ours.store.renew(held, "a", MINUTE_MS), false);
  await ours.store.release(held, "a");
  assert.equal((await lease(held, "b")).kind, "on-hold");
  assert.equal(await text(held), undefined);
  await pass(600);
  assert.equal((await lease(held, "b")).kind, "granted");
  assert.equal(await fill(held, "b", "new"), true);
}
