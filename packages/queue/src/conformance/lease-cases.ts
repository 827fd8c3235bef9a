/** One lease a job: tokens, expiry, extension. */

import assert from "node:assert/strict";
import type { ClaimedJob } from "../driver.ts";
import {
  type Bench,
  DONE,
  first,
  GIVE_UP,
  MINUTE_MS,
  type QueueDriverCase,
  queueCase,
  RELEASE,
  RETRY,
} from "./conformance-bench.ts";

const LEASE_MS = 250;

/** Claims a job, and lets its lease expire. */
async function expired(bench: Bench): Promise<ClaimedJob> {
  const { claimOne, ms, pass } = bench;
  const job = await claimOne({ leaseMs: ms(LEASE_MS) });
  await pass(LEASE_MS + 50);
  return job;
}

/** Nothing that this token is shown for changes anything. */
async function assertLost(bench: Bench, job: ClaimedJob): Promise<void> {
  for (const by of [bench.driver, bench.other]) {
    for (const verdict of [DONE, RETRY, RELEASE, GIVE_UP]) {
      assert.equal(await bench.settle(job, verdict, { by }), "lost");
    }
    if (!bench.driver.capabilities.extend) continue;
    assert.deepEqual(await by.extend(bench.queue, [job], MINUTE_MS), ["lost"]);
  }
}

export const leaseCases: readonly QueueDriverCase[] = [
  queueCase("a token that was settled is worth nothing any more", [], async (bench) => {
    for (const verdict of [DONE, RETRY, RELEASE, GIVE_UP]) {
      await bench.add();
      const job = await bench.claimOne();
      assert.equal(await bench.settle(job, verdict), "settled");
      await assertLost(bench, job);
      if (verdict !== RETRY && verdict !== RELEASE) continue;
      const again = await bench.claimOne();
      assert.notEqual(again.token, job.token);
      await assertLost(bench, job);
      assert.equal(await bench.settle(again), "settled");
    }
  }),
  queueCase("a token that was made up is worth nothing", [], async (bench) => {
    await bench.add();
    const job = await bench.claimOne();
    const waiting = await bench.add();
    for (const token of [`${job.token}x`, `${job.id}:1:`, `${job.id}:2:abc`, "", "a:1:b", "*"]) {
      await assertLost(bench, { ...job, token });
    }
    await assertLost(bench, { ...job, id: waiting, token: `${waiting}:1:abc` });
    assert.equal(await bench.settle(job), "settled");
    assert.equal((await bench.claimOne()).id, waiting);
  }),
  queueCase("another client may settle with the token", [], async (bench) => {
    await bench.add();
    const job = await bench.claimOne();
    assert.equal(await bench.settle(job, DONE, { by: bench.other }), "settled");
    await assertLost(bench, job);
  }),
  queueCase("a lease that expires puts the job back, its attempt spent", ["extend"], async (b) => {
    const id = await b.add();
    const job = await expired(b);
    const again = await b.claimOne({ by: b.other });
    assert.deepEqual([again.id, again.attempt], [id, 2]);
    await assertLost(b, job);
    assert.equal(await b.settle(again), "settled");
    assert.deepEqual(await b.claim(10), []);
  }),
  queueCase("a sweep says how many were recovered, and who is dead", ["extend"], async (bench) => {
    const { driver, queue, addAll, claim, ms, pass } = bench;
    const parent = driver.capabilities.flows ? { queue: "albums", id: "a1" } : undefined;
    const [tried, last] = await addAll([{}, { maxAttempts: 1, name: "crop", parent }]);
    const jobs = await claim(2, { leaseMs: ms(LEASE_MS) });
    assert.equal(jobs.length, 2);
    await pass(LEASE_MS + 50);
    let recovered = 0;
    const dead: unknown[] = [];
    await bench.eventually("both are found", async () => {
      const swept = await driver.sweep(queue);
      recovered += swept.recovered;
      dead.push(...swept.dead);
      return recovered + dead.length >= 2;
    });
    assert.equal(recovered, 1);
    assert.deepEqual(dead, [{ id: last, name: "crop", attempts: 1, parent }]);
    assert.equal((await bench.claimOne()).id, tried);
    assert.deepEqual(await bench.claim(10), []);
    for (const job of jobs) await assertLost(bench, job);
  }),
  queueCase("whoever is dead after a claim is told of, once", ["extend"], async (bench) => {
    const { driver, other, queue, claim, ms, pass } = bench;
    const added = await bench.addAll(Array(6).fill({ maxAttempts: 1 }));
    assert.equal((await claim(6, { leaseMs: ms(LEASE_MS) })).length, 6);
    await pass(LEASE_MS + 50);
    const told: string[] = [];
    const request = { limit: 1, leaseMs: MINUTE_MS };
    await bench.eventually("all are told of", async () => {
      const swept = [
        (await driver.claim(queue, request)).swept,
        (await other.settle(queue, [], { claim: request })).claim?.swept,
        await driver.sweep(queue),
      ];
      told.push(...swept.flatMap((each) => each?.dead ?? []).map(({ id }) => id));
      return told.length >= added.length;
    });
    assert.deepEqual(told.sort(), added.sort());
  }),
  queueCase("the last attempt's lease expires: the job is dead", ["extend", "admin"], async (b) => {
    if (!b.driver.capabilities.deadLetters) return;
    const id = await b.add({ maxAttempts: 2 });
    await expired(b);
    const job = await b.claimOne({ leaseMs: b.ms(LEASE_MS) });
    assert.equal(job.attempt, 2);
    await b.pass(LEASE_MS + 50);
    await b.eventually("it is dead", async () => {
      assert.deepEqual(await b.claim(10), []);
      await b.driver.sweep(b.queue);
      return (await b.find(id)).state === "dead";
    });
    const { reason, attempts } = await b.find(id);
    assert.deepEqual({ reason, attempts }, { reason: "lease-expired", attempts: 2 });
    await assertLost(b, job);
  }),
  queueCase("a release is no attempt, nor is what comes after it", ["extend"], async (bench) => {
    const id = await bench.add({ maxAttempts: 2 });
    await bench.settle(await bench.claimOne(), RELEASE);
    await expired(bench);
    const job = await bench.claimOne();
    assert.deepEqual([job.id, job.attempt], [id, 2]);
  }),
  queueCase("a lease that is extended does not expire", ["extend"], async (bench) => {
    const { driver, other, queue, claim, ms, pass } = bench;
    await bench.addAll([{}, {}]);
    const jobs = await claim(2, { leaseMs: ms(LEASE_MS * 2) });
    assert.equal(jobs.length, 2);
    for (const by of [driver, other, driver]) {
      await pass(LEASE_MS);
      const states = await by.extend(queue, jobs, ms(LEASE_MS * 2));
      assert.deepEqual(states, ["extended", "extended"]);
      assert.deepEqual(await claim(10), []);
    }
    for (const job of jobs) assert.equal(await bench.settle(job), "settled");
  }),
  queueCase("an extension lasts from now on, also when that is shorter", ["extend"], async (b) => {
    const id = await b.add();
    const job = await b.claimOne();
    const states = await b.driver.extend(b.queue, [job], b.ms(LEASE_MS));
    assert.deepEqual(states, ["extended"]);
    await b.pass(LEASE_MS + 50);
    const again = await b.claimOne();
    assert.deepEqual([again.id, again.attempt], [id, 2]);
  }),
  queueCase("an extension answers for each lease", ["extend"], async (bench) => {
    const { driver, queue, claimSoon } = bench;
    await bench.addAll([{}, {}, {}]);
    const jobs = await claimSoon(3);
    const [one, two, three] = jobs;
    assert.ok(one && two && three);
    await bench.settle(two);
    const made = { id: "nobody", token: "nobody:1:x" };
    const states = await driver.extend(queue, [one, two, made, three], MINUTE_MS);
    assert.deepEqual(states, ["extended", "lost", "lost", "extended"]);
  }),
  queueCase("thousands of leases are extended in one call", ["extend"], async (bench) => {
    const { driver, queue, claimSoon } = bench;
    const count = 8_000;
    for (let added = 0; added < count; added += 4_000) {
      await bench.addAll(Array.from({ length: 4_000 }, () => ({})));
    }
    const jobs = await claimSoon(count);
    const [gone] = jobs;
    assert.ok(gone);
    await bench.settle(gone);
    const states = await driver.extend(queue, jobs, MINUTE_MS);
    assert.deepEqual([states.length, states[0]], [count, "lost"]);
    assert.deepEqual(new Set(states.slice(1)), new Set(["extended"]));
  }),
  queueCase("a settlement answers for each job", [], async (bench) => {
    await bench.addAll([{}, {}, {}]);
    const [one, two, three] = await bench.claimSoon(3);
    assert.ok(one && two && three);
    await bench.settle(two);
    const { outcomes } = await bench.driver.settle(
      bench.queue,
      [one, two, three].map((job) => ({ job, verdict: DONE })),
    );
    assert.deepEqual(outcomes, ["settled", "lost", "settled"]);
  }),
  queueCase("many leases expire at once, and none is lost", ["extend"], async (bench) => {
    const { driver, other, queue, claim, ms, pass } = bench;
    const count = 1_500;
    await bench.addAll(Array.from({ length: count }, () => ({})));
    await bench.claimSoon(count, { leaseMs: ms(2 * LEASE_MS) });
    await pass(2 * LEASE_MS + 50);
    const taken = new Map<string, number>();
    await bench.eventually("all come again", async () => {
      await Promise.all([driver.sweep(queue), other.sweep(queue)]);
      for (const { id, attempt } of await claim(count)) {
        assert.equal(taken.has(id), false, "each once");
        taken.set(id, attempt);
      }
      return taken.size === count;
    });
    assert.deepEqual(new Set(taken.values()), new Set([2]));
  }),
  queueCase("a lease outlives its client", ["extend"], async (bench) => {
    await bench.add();
    const gone = await bench.connect();
    const job = first(await bench.claim(1, { by: gone }));
    await gone.close();
    assert.deepEqual(await bench.claim(10), []);
    assert.equal(await bench.settle(job), "settled");
  }),
];
