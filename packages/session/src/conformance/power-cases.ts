/** What a store may be able to do besides; a case about a power that it does not have passes. */

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { systemClock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import {
  hasAnnouncer,
  hasListing,
  hasSweeper,
  hasUserEpochs,
  hasUserIndex,
  type SessionStore,
  type UserIndex,
} from "../store.ts";
import {
  type Bench,
  META,
  type SessionStoreCase,
  session,
  sessionStoreCase,
  TOUCH,
} from "./conformance-bench.ts";

async function login(
  bench: Bench,
  store: SessionStore & UserIndex,
  userId: string,
  seenAtMs: number,
) {
  const key = bench.key();
  await store.enlist(userId, key, TOUCH.ttlMs);
  await store.create(key, { ...session({}, { userId }), seenAtMs });
  return key;
}

async function keysOf(store: UserIndex, userId: string): Promise<string[]> {
  return (await store.ofUser(userId)).map(({ key }) => key);
}

export const powerCases: readonly SessionStoreCase[] = [
  sessionStoreCase("the index finds a user's sessions, the one seen last first", async (bench) => {
    const { store, user } = bench;
    if (!hasUserIndex(store)) return;
    const [one, other] = [user(), user()];
    const older = await login(bench, store, one, 1_000);
    const newer = await login(bench, store, one, 2_000);
    await login(bench, store, other, 3_000);
    assert.deepEqual(await keysOf(store, one), [newer, older]);
    const [first] = await store.ofUser(one);
    assert.deepEqual(first, { key: newer, meta: { ...META, userId: one }, seenAtMs: 2_000 });
    assert.deepEqual(await keysOf(store, user()), []);
  }),
  sessionStoreCase("logins at the same time are all found", async (bench) => {
    const { store, user } = bench;
    if (!hasUserIndex(store)) return;
    const one = user();
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, at) => login(bench, store, one, at)),
    );
    assert.deepEqual(new Set(await keysOf(store, one)), new Set(made));
  }),
  sessionStoreCase(
    "what is enlisted and was never made, or has ended, is not found",
    async (bench) => {
      const { store, user, key } = bench;
      if (!hasUserIndex(store)) return;
      const one = user();
      await store.enlist(one, key(), TOUCH.ttlMs);
      const ended = await login(bench, store, one, 1);
      const left = await login(bench, store, one, 2);
      await store.destroy(ended);
      assert.deepEqual(await keysOf(store, one), [left]);
      await store.destroy(left);
      await store.strike(one, left);
      assert.deepEqual(await keysOf(store, one), []);
    },
  ),
  sessionStoreCase("a session that was given to another user is theirs", async (bench) => {
    const { store, user, keys } = bench;
    if (!hasUserIndex(store)) return;
    const [[from, to], one, other] = [keys(), user(), user()];
    await store.enlist(one, from, TOUCH.ttlMs);
    await store.create(from, session({}, { userId: one }));
    await store.enlist(other, to, TOUCH.ttlMs);
    await store.rotate(from, to, { ...META, userId: other }, TOUCH);
    assert.deepEqual(await keysOf(store, one), []);
    assert.deepEqual(await keysOf(store, other), [to]);
  }),
  sessionStoreCase("an epoch grows, and is forgotten with the user", async ({ store, user }) => {
    if (!hasUserEpochs(store)) return;
    const one = user();
    assert.equal(await store.epochOf(one), 0);
    await store.raiseEpoch(one, 60_000);
    const first = await store.epochOf(one);
    await store.raiseEpoch(one, 60_000);
    const second = await store.epochOf(one);
    assert.ok(first > 0 && second > first, `${first} and then ${second}`);
    assert.equal(await store.epochOf(user()), 0);
    await store.forgetUser(one);
    assert.equal(await store.epochOf(one), 0);
  }),
  sessionStoreCase("a sweep removes what has expired, so much at a time", async (bench) => {
    const { store, key, create, pass } = bench;
    if (!hasSweeper(store)) return;
    while ((await store.sweep(1_000)) > 0);
    const alive = key();
    await create(alive);
    for (let at = 0; at < 5; at++) await store.create(key(), { ...session(), ttlMs: 100 });
    await pass(150);
    assert.equal(await store.sweep(3), 3);
    assert.equal(await store.sweep(3), 2);
    assert.equal(await store.sweep(3), 0);
    assert.notEqual(await store.load(alive), undefined);
  }),
  sessionStoreCase("all sessions can be gone through", async ({ store, key, create, pass }) => {
    if (!hasListing(store)) return;
    const [made, ended, short] = [key(), key(), key()];
    await create(made);
    await create(ended);
    await store.create(short, { ...session(), ttlMs: 100 });
    await store.destroy(ended);
    await pass(150);
    const found = new Set<string>();
    for await (const each of store.keys()) found.add(each);
    assert.deepEqual(
      [made, ended, short].map((each) => found.has(each)),
      [true, false, false],
    );
  }),
  sessionStoreCase("ends and rotations are announced", async ({ store, key, keys, create }) => {
    if (!hasAnnouncer(store)) return;
    const heard = new EventEmitter();
    const stop = store.listen({ gone: (each) => heard.emit(each) });
    try {
      await listening(store, heard, key, create);
      const [ended, [from, to]] = [key(), keys()];
      await create(ended);
      await create(from);
      const told = Promise.all([once(heard, ended), once(heard, from)]);
      await store.destroy(ended);
      await store.rotate(from, to, META, TOUCH);
      await inTime("two announcements", () => told);
    } finally {
      stop();
    }
  }),
];

/** Announcements may begin a little after `listen`: sessions are ended until one is heard. */
async function listening(
  store: SessionStore,
  heard: EventEmitter,
  key: () => string,
  create: Bench["create"],
): Promise<void> {
  await inTime("an announcement", async (signal) => {
    for (let isHeard = false; !isHeard; ) {
      const probe = key();
      heard.once(probe, () => {
        isHeard = true;
      });
      await create(probe);
      await store.destroy(probe);
      await systemClock.sleep(20, { signal });
    }
  });
}

function inTime<Result>(
  what: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return withDeadline({ timeoutMs: 2_000, what }, work);
}
