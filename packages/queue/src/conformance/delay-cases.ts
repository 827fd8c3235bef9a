/** Delays, priorities and deduplication. */

import assert from "node:assert/strict";
import {
  DONE,
  FAILURE,
  GIVE_UP,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
  RELEASE,
} from "./conformance-bench.ts";

const DELAY_MS = 250;

export const delayCases: readonly QueueDriverCase[] = [
  queueCase("a delayed job is ready when its time has come, not before", ["delay"], async (b) => {
    const { driver, queue, ms } = b;
    const id = await b.add({ delayMs: ms(DELAY_MS) });
    const now = await b.add();
    const claim = await driver.claim(queue, { limit: 10, leaseMs: MINUTE_MS });
    assert.deepEqual(ids(claim.jobs), [now]);
    const { nextMs = Number.POSITIVE_INFINITY } = claim;
    assert.ok(nextMs > 0 && nextMs <= ms(DELAY_MS), `to be asked again in time, not in ${nextMs}`);
    await b.pass(DELAY_MS + 20);
    const job = await b.claimOne();
    assert.equal(job.id, id);
    assert.ok(job.waitedMs < ms(5_000), "waitedMs begins when it is ready");
  }),
  queueCase("delayed jobs come by their time", ["delay"], async (bench) => {
    const delays = [300, 100, 200, 0].map((ms) => ({ delayMs: bench.ms(ms) }));
    const [last, second, third, now] = await bench.addAll(delays);
    await bench.pass(350);
    const taken = ids(await bench.claimSoon(4));
    assert.deepEqual([...taken].sort(), [now, second, third, last].sort());
    const waited = [second, third, last].map((id) => taken.indexOf(id ?? ""));
    assert.deepEqual(waited, [...waited].sort());
  }),
  queueCase("a job may be delayed for a year", ["delay"], async (bench) => {
    const yearMs = 365 * 24 * 60 * MINUTE_MS;
    if (bench.driver.capabilities.delayMs < yearMs) return;
    await bench.add({ delayMs: yearMs });
    const { jobs, nextMs = Number.POSITIVE_INFINITY } = await bench.driver.claim(bench.queue, {
      limit: 1,
      leaseMs: MINUTE_MS,
    });
    assert.deepEqual(jobs, []);
    assert.ok(nextMs > 0);
    assert.equal((await bench.driver.stats(bench.queue)).delayed, 1);
  }),
  queueCase("a retry and a release may be delayed", ["delay"], async (bench) => {
    const { ms, pass, claim, claimOne, settle } = bench;
    const delayMs = ms(DELAY_MS);
    const id = await bench.add();
    await settle(await claimOne(), { kind: "retry", delayMs, failure: FAILURE });
    assert.deepEqual(await claim(), []);
    assert.equal((await bench.driver.stats(bench.queue)).delayed, 1);
    await pass(DELAY_MS + 20);
    const second = await claimOne();
    assert.deepEqual([second.id, second.attempt], [id, 2]);
    await settle(second, { kind: "release", delayMs });
    assert.deepEqual(await claim(), []);
    await pass(DELAY_MS + 20);
    const again = await claimOne();
    assert.deepEqual([again.id, again.attempt], [id, 2]);
  }),
  queueCase("the highest priority goes first, within one the oldest", ["priorities"], async (b) => {
    const top = b.driver.capabilities.priorities - 1;
    const priorities = [0, top, 1, 0, top, 1];
    const added = await b.addAll(priorities.map((priority) => ({ priority })));
    const late = await b.add({ priority: top });
    const jobs = [...(await b.claim(4)), ...(await b.claim(10))];
    const places = top === 1 ? [1, 2, 4, 5, 6, 0, 3] : [1, 4, 6, 2, 5, 0, 3];
    assert.deepEqual(
      ids(jobs),
      places.map((at) => [...added, late][at]),
    );
    assert.deepEqual(
      jobs.map(({ priority }) => priority),
      places.map((at) => [...priorities, top][at]),
    );
  }),
  queueCase("a job keeps its priority when it comes again", ["priorities"], async (bench) => {
    const { add, claimOne, settle } = bench;
    const low = await add();
    const high = await add({ priority: 1 });
    for (let round = 0; round < 2; round++) {
      const job = await claimOne();
      assert.equal(job.id, high);
      await settle(job, RELEASE);
    }
    await settle(await claimOne(), DONE);
    assert.equal((await claimOne()).id, low);
  }),
  queueCase("a delayed job keeps its priority", ["delay", "priorities"], async (bench) => {
    const delayed = await bench.add({ priority: 1, delayMs: bench.ms(100) });
    const low = await bench.add();
    await bench.pass(150);
    assert.deepEqual(ids(await bench.claimSoon(2)), [delayed, low]);
  }),
];

export const dedupCases: readonly QueueDriverCase[] = [
  queueCase("one job of a dedup key lives at a time", ["dedup"], async (bench) => {
    const { driver, other, queue, claimOne, settle } = bench;
    const rule = { key: "photo 1 'é'", windowMs: undefined };
    const [id, second, third] = [newJob().id, newJob().id, newJob().id];
    const outcomes = await driver.enqueue(queue, [
      newJob({ id, dedup: rule }),
      newJob({ id: second, dedup: rule }),
      newJob({ id: third, dedup: { ...rule, key: "photo 2" } }),
    ]);
    assert.deepEqual(outcomes, [
      { outcome: "added", id },
      { outcome: "duplicate", id },
      { outcome: "added", id: third },
    ]);
    const again = [newJob({ dedup: rule })];
    const duplicate = [{ outcome: "duplicate", id }];
    assert.deepEqual(await other.enqueue(queue, again), duplicate);
    const job = await claimOne();
    assert.deepEqual([job.id, job.dedup], [id, rule.key]);
    assert.deepEqual(await driver.enqueue(queue, again), duplicate, "while it is active");
    await settle(job, { kind: "retry", delayMs: 0, failure: FAILURE });
    assert.deepEqual(await driver.enqueue(queue, again), duplicate, "while it waits again");
  }),
  queueCase("a dedup key ends with its job, however that ends", ["dedup"], async (bench) => {
    const { driver, queue, claimOne, settle } = bench;
    const dedup = { key: "photo", windowMs: MINUTE_MS };
    for (const verdict of [DONE, GIVE_UP, DONE]) {
      const id = await bench.add({ dedup });
      const job = await claimOne();
      assert.equal(job.id, id);
      await settle(job, verdict);
    }
    const admin = driver.admin;
    if (admin === undefined) return;
    const waiting = await bench.add({ dedup });
    assert.equal(await admin.cancel(queue, waiting), true);
    const active = await bench.add({ dedup });
    await claimOne();
    assert.equal(await admin.cancel(queue, active), true);
    await bench.add({ dedup });
    assert.equal(await admin.purge(queue, ["ready"]), 1);
    await bench.add({ dedup });
  }),
  queueCase("a dedup key ends with a job whose lease expired", ["dedup", "extend"], async (b) => {
    const dedup = { key: "photo", windowMs: undefined };
    await b.add({ dedup, maxAttempts: 1 });
    await b.claimOne({ leaseMs: b.ms(150) });
    await b.pass(200);
    await b.eventually("the job is dead", async () => {
      await b.driver.sweep(b.queue);
      const [outcome] = await b.driver.enqueue(b.queue, [newJob({ dedup })]);
      return outcome?.outcome === "added";
    });
  }),
  queueCase("after its window a dedup key is free although its job lives", ["dedup"], async (b) => {
    const dedup = { key: "photo", windowMs: b.ms(200) };
    const old = await b.add({ dedup });
    assert.equal((await b.driver.enqueue(b.queue, [newJob({ dedup })]))[0]?.outcome, "duplicate");
    await b.pass(250);
    const long = { ...dedup, windowMs: undefined };
    const id = await b.add({ dedup: long });
    const job = await b.claimOne();
    assert.equal(job.id, old);
    await b.settle(job);
    const [outcome] = await b.driver.enqueue(b.queue, [newJob({ dedup: long })]);
    assert.deepEqual(outcome, { outcome: "duplicate", id }, "the end of the old is not the new's");
  }),
  queueCase("of many who add one dedup key at once one does", ["dedup"], async (bench) => {
    const { driver, other, queue } = bench;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? driver : other).enqueue(queue, [
          newJob({ dedup: { key: "photo", windowMs: undefined } }),
        ]),
      ),
    );
    const added = outcomes.flat().filter(({ outcome }) => outcome === "added");
    assert.equal(added.length, 1);
    assert.equal((await driver.stats(queue)).ready, 1);
  }),
];
