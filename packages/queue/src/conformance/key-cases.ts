/** Jobs of one key: their order, one in flight, and fairness between keys. */

import assert from "node:assert/strict";
import {
  FAILURE,
  first,
  GIVE_UP,
  ids,
  type QueueDriverCase,
  queueCase,
  RELEASE,
  RETRY,
} from "./conformance-bench.ts";

export const keyCases: readonly QueueDriverCase[] = [
  queueCase("a key has one job in flight, in the order of adding", ["keys"], async (bench) => {
    const { other, addAll, claim, claimOne, settle } = bench;
    const added = await addAll([{ key: "a" }, { key: "a" }, { key: "a" }]);
    for (const id of added) {
      const job = await claimOne();
      assert.deepEqual([job.id, job.key], [id, "a"]);
      assert.deepEqual(await claim(10), []);
      assert.deepEqual(await claim(10, { by: other }), []);
      await settle(job);
    }
  }),
  queueCase("a key holds nobody else up", ["keys"], async (bench) => {
    const [one, , other, free] = await bench.addAll([{ key: "a" }, { key: "a" }, { key: "b" }, {}]);
    assert.deepEqual(ids(await bench.claim(10)).sort(), [one, other, free].sort());
    assert.deepEqual(await bench.claim(10), []);
  }),
  queueCase("keys are any texts, and told apart", ["keys"], async (bench) => {
    const keys = ["", " ", "a:b", "a\u0001b", "a\u0001c", "é", "{a}", "a".repeat(500), "-inf", "["];
    await bench.addAll(keys.flatMap((key) => [{ key }, { key }]));
    for (let round = 0; round < 2; round++) {
      const jobs = await bench.claimSoon(keys.length);
      assert.deepEqual(jobs.map(({ key }) => key).sort(), [...keys].sort());
      for (const job of jobs) assert.equal(await bench.settle(job), "settled");
    }
    assert.deepEqual(await bench.claim(10), []);
  }),
  queueCase("a job that comes again is the first of its key", ["keys"], async (bench) => {
    const { driver, queue, addAll, claimOne, settle } = bench;
    const [one, two] = await addAll([{ key: "a" }, { key: "a" }]);
    for (const verdict of [RETRY, RELEASE, RETRY]) {
      const job = await claimOne();
      assert.equal(job.id, one);
      await settle(job, verdict);
    }
    const job = await claimOne();
    const claim = { limit: 10, leaseMs: 60_000 };
    const settled = await driver.settle(queue, [{ job, verdict: RETRY }], { claim });
    const again = first(settled.claim?.jobs ?? []);
    assert.equal(again.id, one);
    await settle(again);
    assert.equal((await claimOne()).id, two);
  }),
  queueCase("a job whose lease expired is the first of its key", ["keys", "extend"], async (b) => {
    const [one, two] = await b.addAll([{ key: "a" }, { key: "a", maxAttempts: 1 }, { key: "a" }]);
    const job = await b.claimOne({ leaseMs: b.ms(150) });
    assert.equal(job.id, one);
    await b.pass(200);
    const again = await b.claimOne();
    assert.deepEqual([again.id, again.attempt], [one, 2]);
    assert.deepEqual(await b.claim(10), []);
    await b.settle(again);
    assert.equal((await b.claimOne({ leaseMs: b.ms(150) })).id, two);
    await b.pass(200);
    const next = await b.claimOne();
    assert.equal(next.attempt, 1, "the key goes on after a job that is dead");
    assert.notEqual(next.id, two);
  }),
  queueCase("a delayed retry holds up its key, and it alone", ["keys", "delay"], async (bench) => {
    const { ms, pass, claim, claimOne, settle } = bench;
    const [one, two] = await bench.addAll([{ key: "a" }, { key: "a" }]);
    await settle(await claimOne(), { kind: "retry", delayMs: ms(250), failure: FAILURE });
    assert.deepEqual(await claim(10), []);
    const free = await bench.add({ key: "b" });
    assert.deepEqual(ids(await claim(10)), [free]);
    const { nextMs = Number.POSITIVE_INFINITY } = await bench.driver.claim(bench.queue, {
      limit: 1,
      leaseMs: 60_000,
    });
    assert.ok(nextMs <= ms(250), `to be asked again in time, not in ${nextMs}`);
    await pass(300);
    const again = await claimOne();
    assert.equal(again.id, one);
    await settle(again);
    assert.equal((await claimOne()).id, two);
  }),
  queueCase("a key goes on after a job that is given up or cancelled", ["keys"], async (bench) => {
    const { driver, queue, claimOne, settle } = bench;
    const [, two, three, four] = await bench.addAll(Array(4).fill({ key: "a" }));
    await settle(await claimOne(), GIVE_UP);
    const job = await claimOne();
    assert.equal(job.id, two);
    if (driver.admin === undefined || three === undefined) return;
    assert.equal(await driver.admin.cancel(queue, three), true);
    assert.deepEqual(await bench.claim(10), []);
    assert.equal(await driver.admin.cancel(queue, job.id), true);
    assert.equal((await claimOne()).id, four);
  }),
  queueCase("keys take turns", ["keys"], async ({ addAll, claim, settle }) => {
    await addAll(Array.from({ length: 20 }, () => ({ key: "busy" })));
    await addAll([{ key: "b" }, { key: "c" }, { key: "b" }, { key: "c" }]);
    const keys: (string | undefined)[] = [];
    for (let round = 0; round < 8; round++) {
      const [job] = await claim(1);
      if (job === undefined) break;
      keys.push(job.key);
      await settle(job);
    }
    assert.equal(keys.length, 8);
    for (const key of ["b", "c"]) {
      const served = keys.filter((each) => each === key).length;
      assert.equal(served, 2, `${key} is served among ${keys.join(" ")}`);
    }
  }),
  queueCase("keys and jobs without one take turns", ["keys"], async (bench) => {
    const { addAll, claim, settle } = bench;
    await addAll(Array.from({ length: 10 }, () => ({})));
    await addAll(Array.from({ length: 10 }, () => ({ key: "a" })));
    await addAll(Array.from({ length: 10 }, () => ({})));
    const taken = new Set<string | undefined>();
    for (let round = 0; round < 18; round++) {
      const [job] = await claim(1);
      if (job === undefined) break;
      taken.add(job.key);
      await settle(job);
    }
    assert.deepEqual(taken, new Set([undefined, "a"]), "neither starves the other");
  }),
  queueCase("racing clients keep the order of every key", ["keys"], async (bench) => {
    const { driver, other, queue, claim } = bench;
    const keys = ["a", "b", "c", "d"];
    const perKey = 25;
    await bench.addAll(
      Array.from({ length: keys.length * perKey }, (_, at) => ({
        key: keys[at % keys.length],
        body: String(at),
      })),
    );
    const seen = new Map<string, number[]>();
    const inFlight = new Set<string>();
    let done = 0;
    const work = async (by: typeof driver): Promise<void> => {
      await bench.eventually("all are worked off", async () => {
        const jobs = await claim(3, { by });
        for (const { key = "" } of jobs) {
          assert.equal(inFlight.has(key), false, "one in flight");
          inFlight.add(key);
        }
        for (const job of jobs) {
          const key = job.key ?? "";
          seen.set(key, [...(seen.get(key) ?? []), Number(job.body)]);
          const verdict = job.attempt === 1 && Number(job.body) % 5 === 0 ? RETRY : undefined;
          inFlight.delete(key);
          await bench.settle(job, verdict, { by, queue });
          if (verdict === undefined) done++;
        }
        return done === keys.length * perKey;
      });
    };
    await Promise.all([work(driver), work(other), work(driver), work(other)]);
    for (const order of seen.values()) {
      assert.deepEqual(
        order,
        [...order].sort((one, two) => one - two),
      );
      assert.equal(new Set(order).size, perKey);
    }
  }),
  queueCase("more jobs of a key may be in flight", ["keys", "limits"], async (bench) => {
    const queue = bench.settings({ limits: { perKeyConcurrency: 2 } });
    const { addAll, claim, settle } = bench;
    const added = await addAll([...Array(4).fill({ key: "a" }), { key: "b" }], queue);
    const jobs = await claim(10, { queue });
    const ofKey = jobs.filter(({ key }) => key === "a");
    assert.deepEqual([ids(ofKey), jobs.length], [added.slice(0, 2), 3]);
    assert.deepEqual(await claim(10, { queue }), []);
    await settle(first(ofKey.slice(0, 1)), undefined, { queue });
    assert.deepEqual(ids(await claim(10, { queue })), added.slice(2, 3));
    assert.deepEqual(await claim(10, { queue }), []);
  }),
];
