/** A parent waits for its children. */

import assert from "node:assert/strict";
import type { ParentRef } from "../driver.ts";
import type { ChildOutcome } from "../driver-powers.ts";
import {
  DONE,
  ids,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
} from "./conformance-bench.ts";

const A: ParentRef = { queue: "crop", id: "child-a" };
const B: ParentRef = { queue: "mail", id: "child-b" };
/** Of another queue, and no less another child. */
const C: ParentRef = { queue: "mail", id: "child-a" };
const done = (result?: string): ChildOutcome => ({ kind: "done", result });
const DEAD: ChildOutcome = { kind: "dead", reason: "unrecoverable" };
const FAIL = { childDead: "fail" } as const;
const CONTINUE = { childDead: "continue" } as const;

export const flowCases: readonly QueueDriverCase[] = [
  queueCase("a parent runs when all its children have been reported", ["flows"], async (bench) => {
    const { driver, other, queue, flows, claim } = bench;
    const parent = newJob({ body: '{"album":1}' });
    const held = await flows.hold(queue, parent, [A, B, C], FAIL);
    assert.deepEqual(held, { outcome: "added", id: parent.id });
    const { held: waiting, ready } = await driver.stats(queue);
    assert.deepEqual([waiting, ready], [1, 0]);
    await flows.report(queue, parent.id, B, done('"é"'));
    await other.flows?.report(queue, parent.id, A, done());
    assert.deepEqual(await claim(10), []);
    assert.deepEqual(await flows.children(queue, parent.id), [
      { ...A, outcome: done() },
      { ...B, outcome: done('"é"') },
      { ...C, outcome: undefined },
    ]);
    await flows.report(queue, parent.id, C, done("3"));
    const job = await bench.claimOne();
    assert.deepEqual([job.id, job.body, job.attempt], [parent.id, parent.body, 1]);
    assert.deepEqual(
      (await other.flows?.children(queue, parent.id))?.map(({ outcome }) => outcome),
      [done(), done('"é"'), done("3")],
      "read while the parent runs",
    );
    assert.equal(await bench.settle(job), "settled");
    assert.equal((await driver.stats(queue)).held, 0);
  }),
  queueCase("a child that is reported twice counts once", ["flows"], async (bench) => {
    const { queue, flows, claim } = bench;
    const parent = newJob();
    await flows.hold(queue, parent, [A, B], FAIL);
    await flows.report(queue, parent.id, A, done("1"));
    await flows.report(queue, parent.id, A, done("2"));
    await flows.report(queue, parent.id, A, DEAD);
    await flows.report(queue, parent.id, C, done());
    assert.deepEqual(await claim(10), []);
    assert.deepEqual((await flows.children(queue, parent.id))[0]?.outcome, done("1"));
    await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        (at % 2 ? bench.driver : bench.other).flows?.report(queue, parent.id, B, done()),
      ),
    );
    assert.deepEqual(ids(await claim(10)), [parent.id]);
    await flows.report(queue, parent.id, B, done());
    assert.deepEqual(await claim(10), []);
    assert.equal((await bench.driver.stats(queue)).totals.added, 1);
  }),
  queueCase("children may end before their parent is there", ["flows"], async (bench) => {
    const { queue, flows, claim } = bench;
    const [one, two] = [newJob(), newJob()];
    await flows.report(queue, one.id, A, done("1"));
    await flows.report(queue, two.id, A, done());
    assert.deepEqual(await claim(10), []);
    await flows.hold(queue, one, [A, B], FAIL);
    assert.deepEqual(await claim(10), []);
    assert.deepEqual(await flows.children(queue, one.id), [
      { ...A, outcome: done("1") },
      { ...B, outcome: undefined },
    ]);
    await flows.report(queue, two.id, B, done());
    await flows.hold(queue, two, [A, B], FAIL);
    assert.deepEqual(ids(await claim(10)), [two.id], "all have: it is ready at once");
    await flows.report(queue, one.id, B, done());
    assert.deepEqual(ids(await claim(10)), [one.id]);
  }),
  queueCase("a parent without children is ready at once", ["flows"], async (bench) => {
    const parent = newJob();
    await bench.flows.hold(bench.queue, parent, [], FAIL);
    assert.deepEqual(ids(await bench.claim(10)), [parent.id]);
  }),
  queueCase("a parent dies with its child, if it is to", ["flows"], async (bench) => {
    const { driver, queue, flows, claim } = bench;
    const [late, early] = [newJob(), newJob()];
    await flows.hold(queue, late, [A, B], FAIL);
    await flows.report(queue, late.id, B, DEAD);
    await flows.report(queue, early.id, A, DEAD);
    await flows.hold(queue, early, [A, B], FAIL);
    assert.deepEqual(await claim(10), []);
    assert.equal((await driver.stats(queue)).held, 0);
    for (const { id } of [late, early]) {
      await flows.report(queue, id, A, done());
      await flows.report(queue, id, B, done());
    }
    assert.deepEqual(await claim(10), []);
    if (driver.admin === undefined || !driver.capabilities.deadLetters) return;
    for (const { id } of [late, early]) {
      const { state, reason, attempts } = await bench.find(id);
      assert.deepEqual([state, reason, attempts], ["dead", "child-dead", 0]);
    }
  }),
  queueCase("a parent goes on without its child, if it is to", ["flows"], async (bench) => {
    const { queue, flows, claim } = bench;
    const parent = newJob();
    await flows.hold(queue, parent, [A, B], CONTINUE);
    await flows.report(queue, parent.id, A, DEAD);
    assert.deepEqual(await claim(10), []);
    await flows.report(queue, parent.id, B, done());
    assert.deepEqual(ids(await claim(10)), [parent.id]);
    assert.deepEqual(await flows.children(queue, parent.id), [
      { ...A, outcome: DEAD },
      { ...B, outcome: done() },
    ]);
  }),
  queueCase("a child that was cancelled is told of as such", ["flows"], async (bench) => {
    const { queue, flows } = bench;
    const cancelled: ChildOutcome = { kind: "dead", reason: "cancelled" };
    const [goesOn, dies] = [newJob(), newJob()];
    await flows.hold(queue, goesOn, [A], CONTINUE);
    await flows.hold(queue, dies, [A], FAIL);
    for (const { id } of [goesOn, dies]) await flows.report(queue, id, A, cancelled);
    assert.deepEqual(ids(await bench.claim(10)), [goesOn.id]);
    assert.deepEqual(await flows.children(queue, goesOn.id), [{ ...A, outcome: cancelled }]);
  }),
  queueCase("a parent is added once", ["flows"], async (bench) => {
    const { queue, flows, claim } = bench;
    const parent = newJob({ mayExist: true });
    await flows.hold(queue, parent, [A], FAIL);
    const again = await flows.hold(queue, parent, [A, B], FAIL);
    assert.deepEqual(again, { outcome: "duplicate", id: parent.id });
    await flows.report(queue, parent.id, A, done());
    assert.deepEqual(ids(await claim(10)), [parent.id]);
    assert.equal((await flows.children(queue, parent.id)).length, 1);
  }),
  queueCase("many children, reported at once", ["flows"], async (bench) => {
    const { driver, other, queue, flows } = bench;
    const children = Array.from({ length: 200 }, (_, at) => ({ queue: "crop", id: `c${at}` }));
    const parent = newJob();
    await flows.hold(queue, parent, children, FAIL);
    await Promise.all(
      children.map((child, at) =>
        (at % 2 ? driver : other).flows?.report(queue, parent.id, child, done(String(at))),
      ),
    );
    assert.equal((await bench.claimOne()).id, parent.id);
    const listed = await flows.children(queue, parent.id);
    assert.deepEqual(
      listed,
      children.map((child, at) => ({ ...child, outcome: done(String(at)) })),
    );
  }),
  queueCase("a child knows its parent", ["flows"], async (bench) => {
    const parent = { queue: "albums", id: "parent-1" };
    await bench.add({ parent });
    const job = await bench.claimOne();
    assert.deepEqual(job.parent, parent);
    assert.equal(await bench.settle(job, DONE), "settled");
  }),
  queueCase("a parent that retries keeps what its children gave", ["flows"], async (bench) => {
    const { queue, flows } = bench;
    const parent = newJob();
    await flows.hold(queue, parent, [A], FAIL);
    await flows.report(queue, parent.id, A, done("1"));
    const failure = { name: "Error", message: "" };
    await bench.settle(await bench.claimOne(), { kind: "retry", delayMs: 0, failure });
    assert.equal((await bench.claimOne()).attempt, 2);
    assert.deepEqual(await flows.children(queue, parent.id), [{ ...A, outcome: done("1") }]);
  }),
  queueCase(
    "a held parent is found, listed, cancelled and purged",
    ["flows", "admin"],
    async (b) => {
      const { driver, queue, flows, admin } = b;
      const [one, two] = [newJob(), newJob()];
      for (const parent of [one, two]) await flows.hold(queue, parent, [A], FAIL);
      assert.equal((await b.find(one.id)).state, "held");
      const { jobs } = await admin.list(queue, "held", { limit: 10 });
      assert.deepEqual(ids(jobs), [one.id, two.id]);
      assert.equal(await admin.cancel(queue, one.id), true);
      await flows.report(queue, one.id, A, done());
      assert.deepEqual(await b.claim(10), []);
      assert.equal(await admin.purge(queue, ["held"]), 1);
      await flows.report(queue, two.id, A, done());
      assert.deepEqual(await b.claim(10), []);
      assert.equal((await driver.stats(queue)).held, 0);
    },
  ),
  queueCase("held parents are of the backlog", ["flows", "maxBacklog"], async (bench) => {
    const queue = bench.settings({ maxBacklog: 1 });
    await bench.flows.hold(queue, newJob(), [A], FAIL);
    assert.deepEqual(await bench.driver.enqueue(queue, [newJob()]), [{ outcome: "full" }]);
    assert.deepEqual(await bench.flows.hold(queue, newJob(), [A], FAIL), { outcome: "full" });
  }),
  queueCase("a parent keeps its key and its priority", ["flows", "keys"], async (bench) => {
    const { queue, flows } = bench;
    const parent = newJob({ key: "k" });
    await flows.hold(queue, parent, [A], FAIL);
    const free = await bench.add({ key: "k" });
    const job = await bench.claimOne();
    assert.equal(job.id, free, "a parent that is held holds nobody up");
    await flows.report(queue, parent.id, A, done());
    assert.deepEqual(await bench.claim(10), []);
    await bench.settle(job);
    const claimed = await bench.claimOne({ leaseMs: MINUTE_MS });
    assert.deepEqual([claimed.id, claimed.key], [parent.id, "k"]);
  }),
];
