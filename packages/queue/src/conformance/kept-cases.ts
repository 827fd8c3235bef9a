/** What is kept of jobs that have ended: results, dead letters and their history. */

import assert from "node:assert/strict";
import type { DeadReason, Verdict } from "../driver.ts";
import {
  type Bench,
  DONE,
  FAILURE,
  GIVE_UP,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
  sorted,
} from "./conformance-bench.ts";

const KEPT = { ms: 10 * MINUTE_MS, count: 1_000 };

/** Retention may be left to the sweep, which is bounded. */
async function swept(bench: Bench, count: () => Promise<number>, left: number): Promise<void> {
  await bench.eventually(`${left} are kept`, async () => {
    await bench.driver.sweep(bench.queue);
    return (await count()) === left;
  });
}

export const resultCases: readonly QueueDriverCase[] = [
  queueCase("a result is kept as long as the queue says", ["results", "admin"], async (bench) => {
    const { admin, claimOne, settle, ms } = bench;
    const queue = bench.settings({
      retention: { done: { ms: ms(400), count: 10 }, dead: KEPT },
    });
    const job = newJob({ mayExist: true });
    await bench.driver.enqueue(queue, [job]);
    const result = '{"url":"/é.jpg"}';
    await settle(await claimOne({ queue }), { kind: "done", result }, { queue });
    const found = await bench.find(job.id, queue);
    assert.deepEqual([found.state, found.result, found.attempts], ["done", result, 1]);
    assert.ok((found.endedAtMs ?? 0) >= found.addedAtMs);
    assert.deepEqual(ids((await admin.list(queue, "done", { limit: 5 })).jobs), [job.id]);
    const [again] = await bench.driver.enqueue(queue, [job]);
    assert.equal(again?.outcome, "duplicate", "what is done and kept is there");
    assert.deepEqual(await bench.claim(5, { queue }), []);
    await bench.pass(450);
    await swept({ ...bench, queue }, async () => ((await admin.find(queue, job.id)) ? 1 : 0), 0);
  }),
  queueCase("no more results are kept than the queue says", ["results", "admin"], async (bench) => {
    const { admin, claimSoon, driver } = bench;
    const queue = bench.settings({ retention: { done: { ms: MINUTE_MS, count: 3 }, dead: KEPT } });
    const added = await bench.addAll(Array(5).fill({}), queue);
    for (const job of await claimSoon(5, { queue })) {
      await driver.settle(queue, [{ job, verdict: { kind: "done", result: '"r"' } }]);
      await bench.pass(2); // They end one after the other, also by a clock of milliseconds.
    }
    const done = async (): Promise<string[]> =>
      ids((await admin.list(queue, "done", { limit: 10 })).jobs);
    await swept({ ...bench, queue }, async () => (await done()).length, 3);
    assert.deepEqual(await done(), added.slice(2), "the oldest go first");
  }),
  queueCase("a job may be done without a result", ["results", "admin"], async (bench) => {
    const queue = bench.settings({ retention: { done: KEPT, dead: KEPT } });
    const id = await bench.add({}, queue);
    await bench.settle(await bench.claimOne({ queue }), DONE, { queue });
    const { state, result } = await bench.find(id, queue);
    assert.deepEqual([state, result], ["done", undefined]);
    assert.equal(await bench.admin.purge(queue, ["done"]), 1);
    assert.equal(await bench.admin.find(queue, id), undefined);
  }),
];

const REASONS: readonly DeadReason[] = [
  "attempts-exhausted",
  "unrecoverable",
  "timeout",
  "invalid",
  "unknown-name",
];

export const deadCases: readonly QueueDriverCase[] = [
  queueCase("dead jobs say why they died, and how", ["deadLetters", "admin"], async (bench) => {
    const { admin, queue, find, claimOne, settle } = bench;
    const added: string[] = [];
    for (const reason of REASONS) {
      added.push(await bench.add({ name: reason, headers: { a: "1" } }));
      const failure = reason === "unknown-name" ? undefined : FAILURE;
      await settle(await claimOne(), { kind: "dead", reason, failure });
      await bench.pass(2);
    }
    assert.equal((await bench.driver.stats(queue)).dead, REASONS.length);
    const { jobs, cursor } = await admin.list(queue, "dead", { limit: 10 });
    assert.deepEqual([ids(jobs), cursor], [added, undefined]);
    for (const [at, job] of jobs.entries()) {
      const { name, state, reason, attempts, headers, history, endedAtMs } = job;
      assert.deepEqual(
        { name, state, reason },
        { name: reason, state: "dead", reason: REASONS[at] },
      );
      assert.deepEqual({ attempts, headers }, { attempts: 1, headers: { a: "1" } });
      assert.ok(endedAtMs !== undefined);
      const failures = history.map(({ atMs, ...failure }) => failure);
      assert.deepEqual(failures, reason === "unknown-name" ? [] : [{ ...FAILURE, attempt: 1 }]);
      assert.deepEqual(await find(job.id), job);
    }
  }),
  queueCase("the last ten failures are remembered", ["deadLetters", "admin"], async (bench) => {
    const id = await bench.add({ maxAttempts: 13 });
    for (let attempt = 1; attempt <= 13; attempt++) {
      const failure = { name: "TypeError", message: `é ${attempt} ${"m".repeat(490)}` };
      const verdict: Verdict =
        attempt < 13
          ? { kind: "retry", delayMs: 0, failure }
          : { kind: "dead", reason: "attempts-exhausted", failure };
      await bench.settle(await bench.claimOne(), verdict);
    }
    const { history, attempts } = await bench.find(id);
    assert.equal(attempts, 13);
    assert.deepEqual(
      history.map(({ attempt }) => attempt),
      [4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    );
    assert.equal(history[9]?.message, `é 13 ${"m".repeat(490)}`);
  }),
  queueCase(
    "dead jobs are redriven, with all their attempts",
    ["deadLetters", "admin"],
    async (b) => {
      const { driver, admin, queue, claimSoon, settle } = b;
      const added = await b.addAll([{ body: '{"n":1}', maxAttempts: 2 }, {}, {}, {}]);
      const [one, two, three, four] = added;
      assert.ok(one && two && three && four);
      for (const job of await claimSoon(4)) {
        await settle(job, GIVE_UP);
        await b.pass(2);
      }
      assert.equal(await admin.redrive(queue, { ids: [three, "nobody", three] }), 1);
      assert.equal(await admin.redrive(queue, { ids: [] }), 0);
      const again = await b.claimOne();
      assert.deepEqual([again.id, again.attempt], [three, 1]);
      assert.equal(await admin.redrive(queue, { ids: [three] }), 0, "what is active is not dead");
      await settle(again);
      assert.equal(await admin.redrive(queue, { limit: 2 }), 2);
      const oldest = await claimSoon(2);
      assert.deepEqual(sorted(ids(oldest)), sorted([one, two]));
      const first = oldest.find(({ id }) => id === one);
      assert.deepEqual([first?.attempt, first?.maxAttempts, first?.body], [1, 2, '{"n":1}']);
      assert.equal((await driver.stats(queue)).dead, 1);
      assert.equal(await admin.redrive(queue, { limit: 100 }), 1);
      assert.equal((await b.claimOne()).id, four);
      assert.equal((await driver.stats(queue)).dead, 0);
    },
  ),
  queueCase("many dead jobs are redriven in one call", ["deadLetters", "admin"], async (bench) => {
    const { driver, admin, queue } = bench;
    const added = await bench.addAll(Array.from({ length: 300 }, () => ({})));
    const jobs = await bench.claimSoon(300);
    await driver.settle(
      queue,
      jobs.map((job) => ({ job, verdict: GIVE_UP })),
    );
    assert.equal(await admin.redrive(queue, { limit: 1_000 }), 300);
    assert.deepEqual(sorted(ids(await bench.claimSoon(300))), sorted(added));
  }),
  queueCase("dead jobs are purged", ["deadLetters", "admin"], async (bench) => {
    const { driver, admin, queue } = bench;
    const added = await bench.addAll([{}, {}]);
    for (const job of await bench.claimSoon(2)) await bench.settle(job, GIVE_UP);
    assert.equal(await admin.purge(queue, ["dead"]), 2);
    assert.equal((await driver.stats(queue)).dead, 0);
    assert.equal(await admin.redrive(queue, { ids: added }), 0);
    assert.equal(await admin.find(queue, added[0] ?? ""), undefined);
  }),
  queueCase("dead jobs are kept as long as the queue says", ["deadLetters", "admin"], async (b) => {
    const queue = b.settings({ retention: { done: undefined, dead: { ms: b.ms(200), count: 9 } } });
    await b.add({}, queue);
    await b.settle(await b.claimOne({ queue }), GIVE_UP, { queue });
    assert.equal((await b.driver.stats(queue)).dead, 1);
    await b.pass(250);
    await swept({ ...b, queue }, async () => (await b.driver.stats(queue)).dead, 0);
  }),
  queueCase(
    "no more dead jobs are kept than the queue says",
    ["deadLetters", "admin"],
    async (b) => {
      const queue = b.settings({
        retention: { done: undefined, dead: { ms: 10 * MINUTE_MS, count: 2 } },
      });
      const added = await b.addAll(Array(5).fill({}), queue);
      for (const job of await b.claimSoon(5, { queue })) {
        await b.settle(job, GIVE_UP, { queue });
        await b.pass(2);
      }
      await swept({ ...b, queue }, async () => (await b.driver.stats(queue)).dead, 2);
      const { jobs } = await b.admin.list(queue, "dead", { limit: 10 });
      assert.deepEqual(ids(jobs), added.slice(3), "the oldest go first");
    },
  ),
];
