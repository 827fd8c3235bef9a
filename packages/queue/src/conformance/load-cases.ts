/**
 * Producers and workers beside each other: the universal tests of Watermill, as far as they are about
 * a driver, in the words of jobs.
 *
 * Source: ThreeDotsLabs/watermill, `pubsub/tests/test_pubsub.go`.
 */

import assert from "node:assert/strict";
import type { ClaimedJob, QueueDriver, Verdict } from "../driver.ts";
import {
  type Bench,
  DONE,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
  RETRY,
  sorted,
} from "./conformance-bench.ts";

/** Claims, handles and settles, in one call each time, until `over`. */
async function work(
  { queue, pass }: Bench,
  by: QueueDriver,
  limit: number,
  handle: (job: ClaimedJob) => Verdict,
  over: () => boolean,
): Promise<void> {
  const claim = { limit, leaseMs: MINUTE_MS };
  let jobs = (await by.claim(queue, claim)).jobs;
  for (let idle = 0; !over() && idle < 500; ) {
    const settlements = jobs.map((job) => ({ job, verdict: handle(job) }));
    const { outcomes, claim: next } = await by.settle(queue, settlements, { claim });
    assert.ok(outcomes.every((outcome) => outcome === "settled"));
    jobs = next?.jobs ?? [];
    idle = jobs.length > 0 ? 0 : idle + 1;
    if (jobs.length === 0) await pass(10);
  }
  await by.settle(
    queue,
    jobs.map((job) => ({ job, verdict: { kind: "release", delayMs: 0 } })),
  );
}

export const loadCases: readonly QueueDriverCase[] = [
  queueCase("what is added is worked off (Watermill: publish subscribe)", [], async (bench) => {
    const jobs = Array.from({ length: 100 }, (_, at) => newJob({ body: `${at}` }));
    const seen = new Map<string, string>();
    const adding = (async () => {
      for (const job of jobs) await bench.driver.enqueue(bench.queue, [job]);
    })();
    await work(
      bench,
      bench.other,
      10,
      ({ id, body }) => {
        seen.set(id, body);
        return DONE;
      },
      () => seen.size === jobs.length,
    );
    await adding;
    assert.deepEqual(seen, new Map(jobs.map(({ id, body }) => [id, body])));
  }),
  queueCase("many workers get each job once (Watermill: concurrent subscribe)", [], async (b) => {
    const { driver, other, queue, jobs: count } = b;
    const clients = [driver, other, await b.connect()];
    const added: string[] = [];
    const seen: string[] = [];
    const produce = async (by: QueueDriver): Promise<void> => {
      while (added.length < count) {
        const batch = Array.from({ length: Math.min(50, count - added.length) }, () => newJob());
        added.push(...ids(batch));
        const outcomes = await by.enqueue(queue, batch);
        assert.ok(outcomes.every(({ outcome }) => outcome === "added"));
      }
    };
    const consume = (at: number): Promise<void> =>
      work(
        b,
        clients[at % clients.length] ?? driver,
        1 + (at % 20),
        ({ id }) => {
          seen.push(id);
          return DONE;
        },
        () => seen.length >= count,
      );
    const workers = Array.from({ length: 50 }, (_, at) => consume(at));
    await Promise.all([...clients.map(produce), ...workers]);
    assert.deepEqual(sorted(seen), sorted(added));
    const { ready, active, totals } = await driver.stats(queue);
    assert.deepEqual(
      { ready, active, totals },
      {
        ready: 0,
        active: 0,
        totals: { added: count, ended: count },
      },
    );
  }),
  queueCase("a job that fails comes again (Watermill: resend on error)", [], async (bench) => {
    const added = await bench.addAll(Array.from({ length: 50 }, () => ({})));
    const attempts = new Map<string, number[]>();
    let done = 0;
    const handle = ({ id, attempt }: ClaimedJob): Verdict => {
      attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
      if (attempt < 3) return RETRY;
      done++;
      return DONE;
    };
    const over = (): boolean => done === added.length;
    await Promise.all([bench.driver, bench.other].map((by) => work(bench, by, 7, handle, over)));
    for (const id of added) assert.deepEqual(attempts.get(id), [1, 2, 3]);
  }),
  queueCase("without an answer no job comes again (Watermill: no ack)", [], async (bench) => {
    await bench.addAll([{}, {}]);
    const jobs = await bench.claimSoon(2);
    await bench.pass(200);
    await bench.driver.sweep(bench.queue);
    assert.deepEqual(await bench.claim(10, { by: bench.other }), []);
    for (const job of jobs) assert.equal(await bench.settle(job), "settled");
  }),
  queueCase("work goes on with another client (Watermill: continue after close)", [], async (b) => {
    const added = await b.addAll(Array.from({ length: 40 }, () => ({})));
    const seen: string[] = [];
    while (seen.length < added.length) {
      const client = await b.connect();
      await work(
        b,
        client,
        1,
        ({ id }) => {
          seen.push(id);
          return DONE;
        },
        () => seen.length % 10 === 0 && seen.length > 0,
      );
      const [extra] = await b.claim(1, { by: client });
      if (extra !== undefined) {
        seen.push(extra.id);
        await b.settle(extra, DONE, { by: client });
      }
      await client.close();
    }
    assert.deepEqual(sorted(seen), sorted(added));
  }),
  queueCase("clients close at once, and twice (Watermill: concurrent close)", [], async (bench) => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => bench.connect()));
    for (const client of clients) await bench.listen(["ready"], { by: client });
    const calls = clients.flatMap((client) => [client.close(), client.close()]);
    await Promise.all(calls);
    for (const client of clients) {
      await assert.rejects(client.claim(bench.queue, { limit: 1, leaseMs: 1_000 }), {
        code: "QUEUE_CLOSED",
      });
    }
    await bench.add();
    assert.equal((await bench.claim()).length, 1);
  }),
  queueCase("one worker sees the order (Watermill: in order)", [], async (bench) => {
    const added = await bench.addAll(Array.from({ length: 200 }, () => ({})));
    const seen: string[] = [];
    await work(
      bench,
      bench.driver,
      3,
      ({ id }) => {
        seen.push(id);
        return DONE;
      },
      () => seen.length === added.length,
    );
    assert.deepEqual(seen, added);
  }),
  queueCase(
    "a new client gets old jobs (Watermill: new subscriber receives old)",
    [],
    async (b) => {
      const added = await b.addAll([{}, {}, {}]);
      const late = await b.connect();
      assert.deepEqual(ids(await b.claim(10, { by: late })), added);
    },
  ),
  queueCase("a restart of the server loses nothing (Watermill: reconnect)", [], async (bench) => {
    const { driver, queue, restart } = bench;
    if (restart === undefined || driver.capabilities.durability === "memory") return;
    const added = await bench.addAll(Array.from({ length: 100 }, () => ({})));
    const early = await bench.claim(10);
    for (const job of early) await bench.settle(job);
    const active = await bench.claim(5);
    await restart();
    await bench.eventually("the driver works again", () =>
      driver.stats(queue).then(
        () => true,
        () => false,
      ),
    );
    const seen = ids(early);
    for (const job of active) {
      assert.equal(await bench.settle(job), "settled", "a lease outlives a restart");
      seen.push(job.id);
    }
    for (const job of await bench.claimSoon(85)) {
      seen.push(job.id);
      await bench.settle(job);
    }
    assert.deepEqual(sorted(seen), sorted(added));
    assert.deepEqual(await bench.claim(10), []);
  }),
];
