/** Finding, listing, cancelling, pausing, purging; progress and stats. */

import assert from "node:assert/strict";
import type { JobState } from "../driver-powers.ts";
import {
  DONE,
  FAILURE,
  GIVE_UP,
  ids,
  MINUTE_MS,
  type QueueDriverCase,
  queueCase,
  RELEASE,
  RETRY,
  sorted,
} from "./conformance-bench.ts";

export const adminCases: readonly QueueDriverCase[] = [
  queueCase("a job is found in whatever state it is", ["admin"], async (bench) => {
    const { driver, queue, admin, find, claimOne, settle } = bench;
    assert.equal(await admin.find(queue, "nobody"), undefined);
    const before = { body: '{"a":1}', headers: { a: "b" }, maxAttempts: 7, name: "crop" };
    const id = await bench.add(before);
    const ready = await find(id);
    assert.deepEqual(
      { ...ready, addedAtMs: 0 },
      {
        ...before,
        id,
        state: "ready",
        attempts: 0,
        priority: 0,
        key: undefined,
        parent: undefined,
        addedAtMs: 0,
        endedAtMs: undefined,
        progress: undefined,
        result: undefined,
        reason: undefined,
        history: [],
      },
    );
    const job = await claimOne();
    assert.equal(job.addedAtMs, ready.addedAtMs);
    const active = await find(id);
    assert.deepEqual([active.state, active.attempts], ["active", 1]);
    await settle(job, RELEASE);
    const released = await find(id);
    assert.deepEqual([released.state, released.attempts], ["ready", 0]);
    await settle(await claimOne(), RETRY);
    const retried = await find(id);
    assert.deepEqual([retried.state, retried.attempts], ["ready", 1]);
    const { atMs, ...failure } = retried.history[0] ?? assert.fail("a failure is remembered");
    assert.deepEqual(failure, { ...FAILURE, attempt: 1 });
    assert.ok(Math.abs(atMs - ready.addedAtMs) < MINUTE_MS);
    await settle(await claimOne(), DONE);
    assert.equal(await admin.find(queue, id), undefined, "what is done is deleted");
    if (driver.capabilities.delayMs < MINUTE_MS) return;
    const delayed = await bench.add({ delayMs: MINUTE_MS });
    assert.equal((await find(delayed)).state, "delayed");
  }),
  queueCase("a found job has its key and its priority", ["admin", "keys"], async (bench) => {
    const { key, priority } = await bench.find(await bench.add({ key: "a" }));
    assert.deepEqual({ key, priority }, { key: "a", priority: 0 });
  }),
  queueCase("jobs are listed by pages", ["admin"], async ({ admin, queue, addAll, claim }) => {
    const added = await addAll(Array.from({ length: 25 }, () => ({})));
    const active = ids(await claim(5));
    const listed = async (state: JobState): Promise<string[]> => {
      const found: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < 20; page++) {
        const { jobs, cursor: next } = await admin.list(queue, state, { limit: 7, cursor });
        assert.ok(jobs.length <= 7);
        for (const job of jobs) assert.equal(job.state, state);
        found.push(...ids(jobs));
        if (next === undefined) return found;
        cursor = next;
      }
      return assert.fail("the list does not end");
    };
    assert.deepEqual(await listed("ready"), added.slice(5));
    assert.deepEqual(sorted(await listed("active")), sorted(active));
    for (const state of ["delayed", "held", "done", "dead", "cancelled"] as const) {
      assert.deepEqual(await listed(state), []);
    }
  }),
  queueCase("a job that is cancelled while it waits never runs", ["admin"], async (bench) => {
    const { driver, queue, admin } = bench;
    const [one, two, three] = await bench.addAll([{}, {}, {}]);
    assert.ok(one && two && three);
    assert.equal(await admin.cancel(queue, two), true);
    assert.equal(await admin.cancel(queue, two), false);
    assert.equal(await admin.cancel(queue, "nobody"), false);
    assert.deepEqual(ids(await bench.claim(10)), [one, three]);
    assert.equal((await driver.stats(queue)).ready, 0);
    const found = await admin.find(queue, two);
    assert.ok(found === undefined || found.state === "cancelled");
  }),
  queueCase("a delayed job is cancelled", ["admin", "delay"], async (bench) => {
    const { queue, admin, ms } = bench;
    const id = await bench.add({ delayMs: ms(100) });
    assert.equal(await admin.cancel(queue, id), true);
    await bench.pass(150);
    assert.deepEqual(await bench.claim(10), []);
    const { ready, delayed } = await bench.driver.stats(queue);
    assert.deepEqual([ready, delayed], [0, 0]);
  }),
  queueCase("cancelling an active job revokes its lease", ["admin"], async (bench) => {
    const { driver, other, queue, admin, settle } = bench;
    const id = await bench.add();
    const job = await bench.claimOne();
    assert.equal(await admin.cancel(queue, id), true);
    assert.equal(await admin.cancel(queue, id), false);
    if (driver.capabilities.extend) {
      for (const by of [driver, other]) {
        assert.deepEqual(await by.extend(queue, [job], MINUTE_MS), ["cancelled"]);
      }
    }
    for (const verdict of [RETRY, RELEASE, DONE, GIVE_UP]) {
      assert.equal(await settle(job, verdict), "lost");
    }
    assert.equal(await admin.progress(queue, job, "1"), false);
    assert.deepEqual(await bench.claim(10), []);
    assert.equal((await driver.stats(queue)).active, 0);
  }),
  queueCase("what has ended cannot be cancelled", ["admin"], async (bench) => {
    const { queue, admin, settle } = bench;
    for (const verdict of [DONE, GIVE_UP]) {
      const id = await bench.add();
      await settle(await bench.claimOne(), verdict);
      assert.equal(await admin.cancel(queue, id), false);
    }
  }),
  queueCase("of a cancellation and a settlement at once one counts", ["admin"], async (bench) => {
    for (let round = 0; round < 10; round++) {
      const id = await bench.add();
      const job = await bench.claimOne();
      const [cancelled, settled] = await Promise.all([
        bench.admin.cancel(bench.queue, id),
        bench.settle(job, DONE, { by: bench.other }),
      ]);
      assert.equal(cancelled, settled === "lost");
      assert.deepEqual(await bench.claim(10), []);
    }
  }),
  queueCase("a queue that is paused gives nobody a job until it goes on", ["admin"], async (b) => {
    const { driver, other, queue, admin, settle } = b;
    const [one, two] = await b.addAll([{}, {}]);
    const job = await b.claimOne();
    await admin.pause(queue);
    await admin.pause(queue);
    assert.equal((await other.stats(queue)).paused, true);
    assert.deepEqual(await b.claim(10), []);
    assert.deepEqual(await b.claim(10, { by: other }), []);
    const three = await b.add();
    const { outcomes, claim } = await driver.settle(queue, [{ job, verdict: RETRY }], {
      claim: { limit: 10, leaseMs: MINUTE_MS },
    });
    assert.deepEqual([outcomes, claim?.jobs], [["settled"], []]);
    await admin.resume(queue);
    await admin.resume(queue);
    assert.equal((await other.stats(queue)).paused, false);
    const jobs = await b.claimSoon(3, { by: other });
    assert.deepEqual(sorted(ids(jobs)), sorted([one ?? "", two ?? "", three]));
    assert.equal(await settle(jobs[0] ?? job), "settled");
  }),
  queueCase("jobs that wait are purged, active ones never", ["admin"], async (bench) => {
    const { driver, queue, admin, settle } = bench;
    await bench.addAll([{}, {}, {}]);
    const job = await bench.claimOne();
    assert.equal(await admin.purge(queue, ["ready"]), 2);
    assert.equal(await admin.purge(queue, ["ready", "delayed", "held", "done", "cancelled"]), 0);
    assert.deepEqual(await bench.claim(10), []);
    const { ready, active } = await driver.stats(queue);
    assert.deepEqual([ready, active], [0, 1]);
    assert.equal(await settle(job), "settled");
    const id = await bench.add();
    assert.equal((await bench.claimOne()).id, id);
    if (driver.capabilities.delayMs < MINUTE_MS) return;
    await bench.addAll([{ delayMs: MINUTE_MS }, {}]);
    assert.equal(await admin.purge(queue, ["delayed"]), 1);
    assert.equal(await admin.purge(queue, ["ready", "delayed"]), 1);
  }),
  queueCase("thousands of jobs are purged in one call", ["admin"], async (bench) => {
    const count = 8_000;
    await bench.addAll(Array.from({ length: count }, () => ({})));
    assert.equal(await bench.admin.purge(bench.queue, ["ready"]), count);
    assert.deepEqual(await bench.claim(10), []);
    assert.equal((await bench.driver.stats(bench.queue)).ready, 0);
  }),
  queueCase("purging takes jobs of keys too", ["admin", "keys"], async (bench) => {
    await bench.addAll([{ key: "a" }, { key: "a" }, { key: "b" }]);
    const job = await bench.claimOne();
    assert.equal(await bench.admin.purge(bench.queue, ["ready"]), 2);
    await bench.settle(job);
    assert.deepEqual(await bench.claim(10), []);
    const again = await bench.add({ key: "a" });
    assert.equal((await bench.claimOne()).id, again);
  }),
  queueCase("progress is shown, and only its holder says it", ["admin"], async (bench) => {
    const { queue, admin, find, claimOne, settle } = bench;
    const id = await bench.add();
    const job = await claimOne();
    assert.equal(await admin.progress(queue, job, '{"done":1,"é":"🎞️"}'), true);
    assert.equal((await find(id)).progress, '{"done":1,"é":"🎞️"}');
    assert.equal(await admin.progress(queue, { ...job, token: `${job.token}x` }, "2"), false);
    await settle(job, RETRY);
    assert.equal(await admin.progress(queue, job, "3"), false);
    assert.notEqual((await find(id)).progress, "3");
  }),
];

export const statsCases: readonly QueueDriverCase[] = [
  queueCase("stats count jobs by state", [], async (bench) => {
    const { driver, other, queue, claim, settle } = bench;
    const { capabilities: caps } = driver;
    const empty = await driver.stats(queue);
    assert.deepEqual(empty, {
      ready: 0,
      delayed: 0,
      active: 0,
      held: 0,
      dead: 0,
      paused: false,
      oldestReadyMs: undefined,
      totals: { added: 0, ended: 0 },
    });
    await bench.addAll(Array.from({ length: 5 }, () => ({})));
    if (caps.delayMs >= MINUTE_MS) await bench.add({ delayMs: MINUTE_MS });
    const [one, two, three] = await claim(3);
    assert.ok(one && two && three);
    await settle(one, DONE);
    await settle(two, GIVE_UP);
    const delayed = caps.delayMs >= MINUTE_MS ? 1 : 0;
    for (const by of [driver, other]) {
      const { oldestReadyMs, ...stats } = await by.stats(queue);
      assert.ok(oldestReadyMs !== undefined && oldestReadyMs >= 0 && oldestReadyMs < MINUTE_MS);
      assert.deepEqual(stats, {
        ready: 2,
        delayed,
        active: 1,
        held: 0,
        dead: caps.deadLetters ? 1 : 0,
        paused: false,
        totals: { added: 5 + delayed, ended: 2 },
      });
    }
  }),
  queueCase("stats know how long the oldest ready job has waited", [], async (bench) => {
    const { driver, queue, ms } = bench;
    await bench.add();
    await bench.pass(200);
    await bench.add();
    const oldest = (await driver.stats(queue)).oldestReadyMs ?? 0;
    assert.ok(oldest >= ms(150), `${oldest} ms, that is not the oldest`);
    await bench.claim(1);
    const younger = (await driver.stats(queue)).oldestReadyMs ?? Number.POSITIVE_INFINITY;
    assert.ok(younger < oldest, `${younger} ms, and the older one had ${oldest}`);
    await bench.claim(1);
    assert.equal((await driver.stats(queue)).oldestReadyMs, undefined);
  }),
  queueCase("jobs that wait for their key are ready", ["keys"], async (bench) => {
    await bench.addAll([{ key: "a" }, { key: "a" }, { key: "a" }]);
    await bench.claimOne();
    const { ready, active } = await bench.driver.stats(bench.queue);
    assert.deepEqual([ready, active], [2, 1]);
  }),
  queueCase("a retry and a release are no end, and no job more", [], async (bench) => {
    const { driver, queue, claimOne, settle } = bench;
    await bench.add();
    await settle(await claimOne(), RETRY);
    await settle(await claimOne(), RELEASE);
    const { totals, ready } = await driver.stats(queue);
    assert.deepEqual([totals, ready], [{ added: 1, ended: 0 }, 1]);
  }),
];
