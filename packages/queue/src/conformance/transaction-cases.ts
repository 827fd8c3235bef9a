/** Jobs added and completed in a transaction of the application's: with it, or not at all. */

import assert from "node:assert/strict";
import {
  type Bench,
  first,
  ids,
  newJob,
  type QueueDriverCase,
  queueCase,
  RETRY,
} from "./conformance-bench.ts";

type Transaction = NonNullable<Bench["transaction"]>;

/** A case that does nothing where the setup brings no transactions. */
function transactionCase(
  name: string,
  run: (bench: Bench, transaction: Transaction) => Promise<void>,
): QueueDriverCase {
  return queueCase(name, ["transactions"], async (bench) => {
    if (bench.transaction !== undefined) await run(bench, bench.transaction);
  });
}

export const transactionCases: readonly QueueDriverCase[] = [
  transactionCase("what is added in a transaction is there after it", async (bench, within) => {
    const { driver, other, queue } = bench;
    const jobs = [newJob(), newJob()];
    await within("commit", async (tx) => {
      const outcomes = await driver.enqueue(queue, jobs, { tx });
      assert.deepEqual(ids(jobs), idsAdded(outcomes));
      assert.deepEqual(await bench.claim(10), []);
      assert.deepEqual(await bench.claim(10, { by: other }), []);
    });
    assert.deepEqual(ids(await bench.claimSoon(2, { by: other })), ids(jobs));
  }),
  transactionCase("what was rolled back was never added", async (bench, within) => {
    const { driver, queue } = bench;
    const { dedup: canDedup, keys } = driver.capabilities;
    const job = newJob({
      mayExist: true,
      key: keys ? "k" : undefined,
      dedup: canDedup ? { key: "d", windowMs: undefined } : undefined,
    });
    await within("rollback", async (tx) => void (await driver.enqueue(queue, [job], { tx })));
    assert.deepEqual(await bench.claim(10), []);
    const { ready, totals } = await driver.stats(queue);
    assert.deepEqual({ ready, added: totals.added }, { ready: 0, added: 0 });
    assert.deepEqual(await driver.enqueue(queue, [job]), [{ outcome: "added", id: job.id }]);
    assert.equal((await bench.claimOne()).id, job.id);
  }),
  transactionCase("a job is done with its transaction", async (bench, within) => {
    const { driver, queue, settle } = bench;
    await bench.addAll([{}, {}]);
    const [one, two] = await bench.claimSoon(2);
    assert.ok(one && two);
    const done = { kind: "done", result: undefined } as const;
    for (const [job, end] of [
      [one, "commit"],
      [two, "rollback"],
    ] as const) {
      await within(end, async (tx) => {
        const { outcomes } = await driver.settle(queue, [{ job, verdict: done }], { tx });
        assert.equal(first(outcomes), "settled");
      });
    }
    assert.equal(await settle(one), "lost", "it was done");
    assert.equal(await settle(two, RETRY), "settled", "and this one was not");
    const again = await bench.claimOne();
    assert.deepEqual([again.id, again.attempt], [two.id, 2]);
  }),
  transactionCase("in a transaction a lost lease is lost too", async (bench, within) => {
    const { driver, queue } = bench;
    await bench.add();
    const job = await bench.claimOne();
    await bench.settle(job, RETRY);
    await within("rollback", async (tx) => {
      const verdict = { kind: "done", result: undefined } as const;
      const outcome = await driver.settle(queue, [{ job, verdict }], { tx }).then(
        ({ outcomes }) => first(outcomes),
        // So that nobody commits without having looked.
        (error: { code?: unknown }) => error.code,
      );
      assert.ok(outcome === "lost" || outcome === "QUEUE_LEASE_LOST", String(outcome));
    });
    assert.equal((await bench.claimOne()).attempt, 2);
  }),
];

function idsAdded(
  outcomes: readonly { readonly outcome: string; readonly id?: string }[],
): string[] {
  return outcomes.map(({ outcome, id }) => (outcome === "added" ? (id ?? "") : outcome));
}
