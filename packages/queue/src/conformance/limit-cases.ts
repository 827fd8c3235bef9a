/** Limits that hold for all processes together: concurrency, rates, and how much may wait. */

import assert from "node:assert/strict";
import type { Enqueued, NewJob } from "../driver.ts";
import {
  first,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
  RETRY,
} from "./conformance-bench.ts";

function some(count: number, changes: Partial<NewJob> = {}): Partial<NewJob>[] {
  return Array.from({ length: count }, () => changes);
}

export const limitCases: readonly QueueDriverCase[] = [
  queueCase("no more jobs are active than the queue allows", ["limits"], async (bench) => {
    const { driver, other, addAll, claim, settle } = bench;
    const queue = bench.settings({ limits: { concurrency: 3 } });
    await addAll(some(10), queue);
    const jobs = [
      ...(await claim(2, { queue })),
      ...(await claim(10, { queue, by: other })),
      ...(await claim(10, { queue })),
    ];
    assert.equal(jobs.length, 3);
    const [one, two] = jobs;
    assert.ok(one && two);
    await settle(one, undefined, { queue });
    await settle(two, RETRY, { queue });
    const racing = await Promise.all(
      [driver, other, driver, other].map((by) => claim(10, { queue, by })),
    );
    assert.equal(racing.flat().length, 2);
    const settled = await driver.settle(
      queue,
      racing.flat().map((job) => ({ job, verdict: RETRY })),
      { claim: { limit: 10, leaseMs: MINUTE_MS } },
    );
    assert.equal(settled.claim?.jobs.length, 2, "a settlement makes room for its claim");
  }),
  queueCase("a slot is free again when its lease has expired", ["limits", "extend"], async (b) => {
    const queue = b.settings({ limits: { concurrency: 1 } });
    await b.addAll(some(2), queue);
    await b.claimSoon(1, { queue, leaseMs: b.ms(150) });
    assert.deepEqual(await b.claim(5, { queue }), []);
    await b.pass(200);
    await b.claimSoon(1, { queue });
    assert.deepEqual(await b.claim(5, { queue }), []);
  }),
  queueCase("a slot is free again when its job was cancelled", ["limits", "admin"], async (b) => {
    const queue = b.settings({ limits: { concurrency: 1 } });
    await b.addAll(some(2), queue);
    const job = await b.claimOne({ queue });
    assert.equal(await b.admin.cancel(queue, job.id), true);
    assert.equal((await b.claim(5, { queue })).length, 1);
  }),
  queueCase("jobs start no faster than the queue's rate", ["limits"], async (bench) => {
    const { driver, other, claim, ms, pass } = bench;
    const perMs = ms(600);
    const queue = bench.settings({ limits: { rate: { jobs: 3, perMs } } });
    await bench.addAll(some(12), queue);
    const burst = await claim(10, { queue });
    assert.equal(burst.length, 3, "a burst starts at once");
    const { jobs, nextMs } = await other.claim(queue, { limit: 10, leaseMs: MINUTE_MS });
    assert.deepEqual(jobs, []);
    assert.ok(nextMs !== undefined && nextMs <= perMs, `asked again in time, not in ${nextMs}`);
    let started = 0;
    for (let passed = 0; passed < 600; passed += 100) {
      await pass(100);
      started += (await claim(10, { queue, by: passed % 200 ? other : driver })).length;
    }
    assert.ok(started >= 2, `${started} start within the time after`);
    if (bench.exactTime) assert.equal(started, 3);
  }),
  queueCase("an attempt more is a start more", ["limits"], async (bench) => {
    const queue = bench.settings({ limits: { rate: { jobs: 2, perMs: MINUTE_MS } } });
    const id = await bench.add({}, queue);
    for (const attempt of [1, 2]) {
      const job = await bench.claimOne({ queue });
      assert.deepEqual([job.id, job.attempt], [id, attempt]);
      await bench.settle(job, RETRY, { queue });
    }
    assert.deepEqual(await bench.claim(5, { queue }), []);
  }),
  queueCase("starts of one key keep their distance", ["limits", "keys"], async (bench) => {
    const { claim, claimOne, settle, ms, pass } = bench;
    const queue = bench.settings({ limits: { perKeyRate: { jobs: 2, perMs: ms(800) } } });
    const [one, two, free] = await bench.addAll([{ key: "a" }, { key: "a" }, { key: "b" }], queue);
    const jobs = await claim(10, { queue });
    assert.deepEqual(ids(jobs).sort(), [one, free].sort());
    for (const job of jobs) await settle(job, undefined, { queue });
    const { jobs: early, nextMs = Number.POSITIVE_INFINITY } = await bench.driver.claim(queue, {
      limit: 10,
      leaseMs: MINUTE_MS,
    });
    assert.deepEqual(early, []);
    assert.ok(nextMs <= ms(400), `to be asked again in time, not in ${nextMs}`);
    await pass(450);
    assert.equal((await claimOne({ queue })).id, two);
  }),
];

export const backlogCases: readonly QueueDriverCase[] = [
  queueCase("adding is refused when the backlog is full", ["maxBacklog"], async (bench) => {
    const { driver, other, claimOne, settle } = bench;
    const queue = bench.settings({ maxBacklog: 3 });
    const made = Array.from({ length: 5 }, () => newJob());
    const added = ({ id }: NewJob): Enqueued => ({ outcome: "added", id });
    assert.deepEqual(await driver.enqueue(queue, made), [
      ...made.slice(0, 3).map(added),
      { outcome: "full" },
      { outcome: "full" },
    ]);
    assert.deepEqual(await other.enqueue(queue, [newJob()]), [{ outcome: "full" }]);
    const job = await claimOne({ queue });
    await bench.add({}, queue);
    assert.deepEqual(await driver.enqueue(queue, [newJob()]), [{ outcome: "full" }]);
    assert.equal(await settle(job, RETRY, { queue }), "settled", "what comes back has its place");
    assert.equal((await driver.stats(queue)).ready, 4);
    const jobs = await bench.claim(10, { queue });
    assert.equal(jobs.length, 4);
    await bench.addAll(some(3), queue);
  }),
  queueCase("delayed jobs are of the backlog", ["maxBacklog", "delay"], async (bench) => {
    const queue = bench.settings({ maxBacklog: 2 });
    await bench.addAll([{ delayMs: MINUTE_MS }, {}], queue);
    assert.deepEqual(await bench.driver.enqueue(queue, [newJob()]), [{ outcome: "full" }]);
    await bench.add();
  }),
  queueCase("a refused job leaves nothing", ["maxBacklog", "dedup"], async (bench) => {
    const queue = bench.settings({ maxBacklog: 1 });
    const job = await bench.add({}, queue).then(() => bench.claimOne({ queue }));
    await bench.add({}, queue);
    const dedup = { key: "photo", windowMs: undefined };
    const refused = newJob({ mayExist: true, dedup });
    assert.deepEqual(await bench.driver.enqueue(queue, [refused]), [{ outcome: "full" }]);
    await bench.settle(job, undefined, { queue });
    await bench.settle(await bench.claimOne({ queue }), undefined, { queue });
    const [outcome] = await bench.driver.enqueue(queue, [refused]);
    assert.deepEqual(outcome, { outcome: "added", id: refused.id });
    assert.equal(first(await bench.claim(5, { queue })).id, refused.id);
  }),
];
