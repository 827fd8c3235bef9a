/** Adding, claiming, settling: what every driver can do. */

import assert from "node:assert/strict";
import type { NewJob } from "../driver.ts";
import {
  DONE,
  first,
  GIVE_UP,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
  RELEASE,
  RETRY,
  sorted,
} from "./conformance-bench.ts";

/** More than one script, statement or frame may hold. */
const MANY = 5_000;
const LARGE_BYTES = 64 * 1024;

export const basicCases: readonly QueueDriverCase[] = [
  queueCase("a job comes out as it went in", [], async ({ driver, queue, claimOne }) => {
    const job = newJob({
      name: "resize",
      body: '{"photo":"a.jpg"}',
      headers: { traceparent: "00-1-2-01", "x-app": "1" },
      maxAttempts: 3,
    });
    const outcomes = await driver.enqueue(queue, [job]);
    assert.deepEqual(outcomes, [{ outcome: "added", id: job.id }]);
    const claimed = await claimOne();
    const { id, name, body, headers, attempt, maxAttempts, priority } = claimed;
    assert.deepEqual(
      { id, name, body, headers, attempt, maxAttempts, priority },
      {
        id: job.id,
        name: "resize",
        body: job.body,
        headers: job.headers,
        attempt: 1,
        maxAttempts: 3,
        priority: 0,
      },
    );
    assert.equal(claimed.key, undefined);
    assert.equal(claimed.dedup, undefined);
    assert.equal(claimed.parent, undefined);
    assert.ok(claimed.waitedMs >= 0 && claimed.waitedMs < MINUTE_MS, "waitedMs is a short time");
    assert.ok(claimed.token.startsWith(`${id}:1:`), "a token is id:attempt:random");
  }),
  queueCase("odd contents come out as they went in", [], async (bench) => {
    const { driver, queue, claimSoon } = bench;
    const texts = [
      "",
      "null",
      "\"quotes\" 'and' \\back\\slashes\\ $1 %s {0} :name ?",
      "línea\nnueva\r\ttab  end",
      "漢字 🎞️ e\u0301 \u202e rtl \ud83d\ude00",
      "\u0001\u001f\u007f\u0080\u00ff",
      "'; DROP TABLE jobs; --",
      "-1",
      "x".repeat(LARGE_BYTES),
    ];
    const jobs = texts.map((text, at) =>
      newJob({
        id: `job.${at}_A-z!$&'()*+,;=@~|^[]{}<>#%/?"\\\`é`,
        name: `name ${at}`,
        body: JSON.stringify(text),
        headers: { empty: "", text: text.slice(0, 1_000) },
      }),
    );
    await driver.enqueue(queue, jobs);
    const claimed = await claimSoon(jobs.length);
    const shown = (all: readonly Pick<NewJob, "id" | "name" | "body" | "headers">[]): unknown =>
      all
        .map(({ id, name, body, headers }) => ({ id, name, body, headers }))
        .sort((one, other) => (one.name < other.name ? -1 : 1));
    assert.deepEqual(shown(claimed), shown(jobs));
    const settled = await driver.settle(
      queue,
      claimed.map((job) => ({ job, verdict: DONE })),
    );
    assert.deepEqual(new Set(settled.outcomes), new Set(["settled"]));
  }),
  queueCase("ids as long as they may be are told apart", [], async (bench) => {
    const stem = "i".repeat(199);
    await bench.addAll([{ id: `${stem}a` }, { id: `${stem}b` }]);
    assert.deepEqual(sorted(ids(await bench.claimSoon(2))), [`${stem}a`, `${stem}b`]);
  }),
  queueCase("nothing in, nothing out", [], async ({ driver, queue }) => {
    assert.deepEqual(await driver.enqueue(queue, []), []);
    const settled = await driver.settle(queue, []);
    assert.deepEqual(settled.outcomes, []);
    assert.equal(settled.claim, undefined);
    const claim = await driver.claim(queue, { limit: 10, leaseMs: MINUTE_MS });
    assert.deepEqual(claim.jobs, []);
    assert.equal(claim.nextMs, undefined, "an empty queue has nothing to come back for");
    const { recovered, dead } = await driver.sweep(queue);
    assert.deepEqual([recovered, [...dead]], [0, []]);
    if (driver.capabilities.extend) {
      assert.deepEqual(await driver.extend(queue, [], MINUTE_MS), []);
    }
  }),
  queueCase("jobs come in the order in which they were added", [], async (bench) => {
    const single = [await bench.add(), await bench.add(), await bench.add()];
    const batch = await bench.addAll(Array.from({ length: 20 }, () => ({})));
    const taken = [];
    for (const limit of [1, 1, 7, 100]) taken.push(...(await bench.claim(limit)));
    assert.deepEqual(ids(taken), [...single, ...batch]);
  }),
  queueCase(`${MANY} jobs are added in one call, and claimed in few`, [], async (bench) => {
    const { driver, queue, addAll, claim } = bench;
    const added = await addAll(Array.from({ length: MANY }, (_, at) => ({ body: `${at}` })));
    const taken: string[] = [];
    for (;;) {
      const jobs = await claim(MANY / 2);
      if (jobs.length === 0) break;
      const { outcomes } = await driver.settle(
        queue,
        jobs.map((job) => ({ job, verdict: DONE })),
      );
      assert.equal(outcomes.length, jobs.length);
      assert.deepEqual(new Set(outcomes), new Set(["settled"]));
      taken.push(...ids(jobs));
    }
    assert.deepEqual(taken, added);
  }),
  queueCase("large jobs are added and claimed in one call", [], async (bench) => {
    const body = JSON.stringify("é".repeat(LARGE_BYTES / 2));
    const added = await bench.addAll(Array.from({ length: 40 }, () => ({ body })));
    const jobs = await bench.claimSoon(40);
    assert.deepEqual(sorted(ids(jobs)), sorted(added));
    assert.ok(jobs.every((job) => job.body === body));
  }),
  queueCase("a claim takes no more than its limit", [], async ({ addAll, claim }) => {
    await addAll([{}, {}, {}]);
    assert.equal((await claim(2)).length, 2);
    assert.equal((await claim(2)).length, 1);
    assert.equal((await claim(2)).length, 0);
  }),
  queueCase("what is claimed is claimed by nobody else", [], async (bench) => {
    await bench.add();
    await bench.claimOne();
    assert.deepEqual(await bench.claim(), []);
    assert.deepEqual(await bench.claim(10, { by: bench.other }), []);
  }),
  queueCase("two clients that claim at once get jobs apart", [], async (bench) => {
    const { driver, other, addAll, claim, eventually } = bench;
    const added = await addAll(Array.from({ length: 200 }, () => ({})));
    const taken: string[] = [];
    await eventually("all are claimed", async () => {
      const claims = [driver, other, driver, other].map((by) => claim(17, { by }));
      taken.push(...(await Promise.all(claims)).flatMap(ids));
      return taken.length >= added.length;
    });
    assert.deepEqual(sorted(taken), sorted(added));
  }),
  queueCase("of two settlements at once one counts", [], async (bench) => {
    for (let round = 0; round < 10; round++) {
      await bench.add();
      const job = await bench.claimOne();
      const settled = await Promise.all([
        bench.settle(job),
        bench.settle(job, RELEASE, { by: bench.other }),
        bench.settle(job, RETRY),
      ]);
      assert.deepEqual(sorted(settled), ["lost", "lost", "settled"]);
      if (settled[0] !== "settled") {
        const again = await bench.claimOne();
        assert.equal(again.id, job.id);
        await bench.settle(again);
      }
    }
  }),
  queueCase("the same settlement twice in one call counts once", [], async (bench) => {
    const { driver, queue, add, claimOne } = bench;
    await add();
    const job = await claimOne();
    const twice = [
      { job, verdict: DONE },
      { job, verdict: DONE },
    ];
    assert.deepEqual(sorted((await driver.settle(queue, twice)).outcomes), ["lost", "settled"]);
  }),
  queueCase("a job that is done comes no more", [], async (bench) => {
    await bench.add();
    assert.equal(await bench.settle(await bench.claimOne()), "settled");
    assert.deepEqual(await bench.claim(10), []);
    const { ready, active, delayed } = await bench.driver.stats(bench.queue);
    assert.deepEqual({ ready, active, delayed }, { ready: 0, active: 0, delayed: 0 });
  }),
  queueCase("a retry spends the attempt", [], async ({ add, claimOne, settle }) => {
    const id = await add();
    for (const attempt of [1, 2, 3]) {
      const job = await claimOne();
      assert.deepEqual([job.id, job.attempt], [id, attempt]);
      assert.ok(job.token.startsWith(`${id}:${attempt}:`));
      assert.equal(await settle(job, RETRY), "settled");
    }
  }),
  queueCase("a release gives the attempt back", [], async ({ add, claimOne, settle }) => {
    const id = await add();
    const tokens = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const job = await claimOne();
      assert.deepEqual([job.id, job.attempt], [id, 1]);
      tokens.add(job.token);
      assert.equal(await settle(job, RELEASE), "settled");
    }
    assert.equal(tokens.size, 3, "every lease has a token of its own");
  }),
  queueCase("a job that is given up comes no more", [], async (bench) => {
    await bench.add();
    assert.equal(await bench.settle(await bench.claimOne(), GIVE_UP), "settled");
    assert.deepEqual(await bench.claim(10), []);
    const { ready, active } = await bench.driver.stats(bench.queue);
    assert.deepEqual({ ready, active }, { ready: 0, active: 0 });
  }),
  queueCase("verdicts of all kinds go in one call", [], async (bench) => {
    const { driver, queue, addAll, claimSoon } = bench;
    await addAll(Array.from({ length: 8 }, () => ({})));
    const jobs = await claimSoon(8);
    const verdicts = [DONE, RETRY, RELEASE, GIVE_UP];
    const { outcomes } = await driver.settle(
      queue,
      jobs.map((job, at) => ({ job, verdict: verdicts[at % 4] ?? DONE })),
    );
    assert.deepEqual(outcomes, Array(8).fill("settled"));
    const again = await claimSoon(4);
    const attempts = again.map(({ id, attempt }) => [ids(jobs).indexOf(id), attempt]);
    assert.deepEqual(
      attempts.sort(([one = 0], [two = 0]) => one - two),
      [
        [1, 2],
        [2, 1],
        [5, 2],
        [6, 1],
      ],
    );
  }),
  queueCase("a settlement claims in the same call, and what it put back too", [], async (bench) => {
    const { driver, queue, add, claimOne } = bench;
    const id = await add();
    const job = await claimOne();
    const claim = { limit: 5, leaseMs: MINUTE_MS };
    const { outcomes, claim: claimed } = await driver.settle(queue, [{ job, verdict: RETRY }], {
      claim,
    });
    assert.deepEqual(outcomes, ["settled"]);
    const again = first(claimed?.jobs ?? []);
    assert.deepEqual([again.id, again.attempt], [id, 2]);
    const last = await driver.settle(queue, [{ job: again, verdict: DONE }], { claim });
    assert.deepEqual(last.claim?.jobs, []);
    const more = await bench.addAll([{}, {}, {}]);
    const only = await driver.settle(queue, [], { claim: { ...claim, limit: 2 } });
    assert.deepEqual(ids(only.claim?.jobs ?? []), more.slice(0, 2));
  }),
  queueCase("queues are apart", [], async (bench) => {
    const elsewhere = bench.settings({ name: bench.name() });
    const id = randomId();
    await bench.add({ id });
    await bench.add({ id }, elsewhere);
    const [one, two] = [await bench.claimOne(), await bench.claimOne({ queue: elsewhere })];
    assert.deepEqual([one.id, two.id], [id, id]);
    assert.equal(await bench.settle(one, DONE, { queue: elsewhere }), "lost");
    assert.equal(await bench.settle(two, DONE, { queue: elsewhere }), "settled");
    assert.equal(await bench.settle(one), "settled");
  }),
  queueCase("an id that may exist is added once, whatever has become of it", [], async (bench) => {
    const { driver, queue, claimOne, settle } = bench;
    const job = newJob({ id: randomId(), mayExist: true });
    const duplicate = [{ outcome: "duplicate", id: job.id }];
    assert.deepEqual(await driver.enqueue(queue, [job, job, newJob({ id: `${job.id}b` })]), [
      { outcome: "added", id: job.id },
      { outcome: "duplicate", id: job.id },
      { outcome: "added", id: `${job.id}b` },
    ]);
    assert.deepEqual(await bench.other.enqueue(queue, [job]), duplicate);
    const claimed = await claimOne();
    assert.equal(claimed.id, job.id);
    assert.deepEqual(await driver.enqueue(queue, [job]), duplicate);
    await settle(claimed, GIVE_UP);
    if (driver.capabilities.deadLetters) {
      assert.deepEqual(await driver.enqueue(queue, [job]), duplicate);
    }
    assert.deepEqual(ids(await bench.claim(10)), [`${job.id}b`]);
  }),
  queueCase("of many who add one id at once one does", [], async ({ driver, other, queue }) => {
    const job = newJob({ mayExist: true });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? driver : other).enqueue(queue, [job])),
    );
    const kinds = outcomes.map((each) => first(each).outcome);
    assert.equal(kinds.filter((kind) => kind === "added").length, 1);
    assert.equal(kinds.filter((kind) => kind === "duplicate").length, 19);
  }),
  queueCase("an ended id that is not kept may come again", [], async (bench) => {
    const job = newJob({ mayExist: true });
    const added = [{ outcome: "added", id: job.id }];
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await bench.driver.enqueue(bench.queue, [job]), added);
      await bench.settle(await bench.claimOne());
    }
  }),
];

function randomId(): string {
  return newJob().id;
}
