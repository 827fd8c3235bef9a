/** A schedule fires once a tick, for all processes together. */

import assert from "node:assert/strict";
import { ids, MINUTE_MS, newJob, type QueueDriverCase, queueCase } from "./conformance-bench.ts";

export const scheduleCases: readonly QueueDriverCase[] = [
  queueCase("a tick is fired once, however many try", ["schedules"], async (bench) => {
    const { driver, queue, schedules } = bench;
    const clients = [driver, bench.other, await bench.connect(), await bench.connect()];
    const { nowMs } = await schedules.begin(queue, "clock");
    for (const tickMs of [nowMs - 2_000, nowMs - 1_000]) {
      const fired = await Promise.all(
        [...clients, ...clients].map((client) => {
          const job = newJob({ name: "nightly", body: String(tickMs) });
          return client.schedules?.fire(queue, "nightly", tickMs, job);
        }),
      );
      const outcomes = fired.map((each) => each?.outcome);
      assert.equal(outcomes.filter((outcome) => outcome === "fired").length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === "already").length, 7);
    }
    const jobs = await bench.claim(10);
    assert.deepEqual(
      jobs.map(({ name, body }) => [name, body]),
      [
        ["nightly", String(nowMs - 2_000)],
        ["nightly", String(nowMs - 1_000)],
      ],
    );
  }),
  queueCase("an earlier tick than the last is not fired", ["schedules"], async (bench) => {
    const { queue, schedules } = bench;
    const { nowMs } = await schedules.begin(queue, "clock");
    const fire = async (tickMs: number): Promise<string> =>
      (await schedules.fire(queue, "hourly", tickMs, newJob())).outcome;
    assert.equal(await fire(nowMs - 1_000), "fired");
    assert.equal(await fire(nowMs - 2_000), "already");
    assert.equal(await fire(nowMs - 1_000), "already");
    assert.equal(await fire(nowMs), "fired");
    assert.equal((await bench.claim(10)).length, 2);
  }),
  queueCase("a tick that is still to come is not fired", ["schedules"], async (bench) => {
    const { queue, schedules, ms, pass } = bench;
    const { nowMs } = await schedules.begin(queue, "clock");
    const far = await schedules.fire(queue, "yearly", nowMs + MINUTE_MS, newJob());
    assert.equal(far.outcome, "early");
    assert.ok(far.outcome === "early" && far.inMs > 0 && far.inMs <= MINUTE_MS);
    assert.deepEqual(await bench.claim(10), []);
    const tickMs = (await schedules.begin(queue, "clock")).nowMs + ms(300);
    const near = await schedules.fire(queue, "yearly", tickMs, newJob());
    assert.ok(near.outcome === "early" && near.inMs > 0 && near.inMs <= ms(300));
    await pass(350);
    const job = newJob();
    assert.deepEqual(await schedules.fire(queue, "yearly", tickMs, job), { outcome: "fired" });
    assert.deepEqual(ids(await bench.claim(10)), [job.id]);
  }),
  queueCase("a schedule begins now, and keeps its last tick", ["schedules"], async (bench) => {
    const { other, queue, schedules, pass } = bench;
    const { lastTickMs, nowMs } = await schedules.begin(queue, "a");
    assert.equal(lastTickMs, nowMs);
    await pass(50);
    const later = await other.schedules?.begin(queue, "a");
    assert.equal(later?.lastTickMs, lastTickMs);
    assert.ok((later?.nowMs ?? 0) > nowMs, "time goes on");
    const fired = await schedules.fire(queue, "a", lastTickMs + 10, newJob());
    assert.equal(fired.outcome, "fired");
    assert.equal((await schedules.begin(queue, "a")).lastTickMs, lastTickMs + 10);
    const again = await schedules.fire(queue, "a", lastTickMs, newJob());
    assert.equal(again.outcome, "already");
  }),
  queueCase("schedules are apart, also those of one name", ["schedules"], async (bench) => {
    const { queue, schedules } = bench;
    const elsewhere = bench.settings({ name: bench.name() });
    const { nowMs } = await schedules.begin(queue, "clock");
    for (const [of, name] of [
      [queue, "a"],
      [queue, "b: 'é'"],
      [elsewhere, "a"],
    ] as const) {
      assert.equal((await schedules.fire(of, name, nowMs - 1, newJob())).outcome, "fired");
    }
    assert.equal((await bench.claim(10)).length, 2);
    assert.equal((await bench.claim(10, { queue: elsewhere })).length, 1);
  }),
  queueCase(
    "a schedule that is forgotten starts afresh, the others do not",
    ["schedules"],
    async (bench) => {
      const { queue, schedules } = bench;
      const { nowMs } = await schedules.begin(queue, "clock");
      const fire = async (name: string): Promise<string> =>
        (await schedules.fire(queue, name, nowMs - 1, newJob())).outcome;
      for (const name of ["a", "b", "c"]) assert.equal(await fire(name), "fired");
      await schedules.forget(queue, "b");
      await schedules.forget(queue, "never there");
      assert.deepEqual(
        [await fire("a"), await fire("b"), await fire("c")],
        ["already", "fired", "already"],
      );
      await schedules.forget(queue, "b");
      const begun = await schedules.begin(queue, "b");
      assert.equal(begun.lastTickMs, begun.nowMs);
    },
  ),
  queueCase("a tick's job is added with all that a job has", ["schedules", "keys"], async (b) => {
    const { nowMs } = await b.schedules.begin(b.queue, "clock");
    const job = newJob({ key: "k", headers: { a: "1" }, maxAttempts: 2 });
    await b.schedules.fire(b.queue, "a", nowMs - 1, job);
    const { id, key, headers, maxAttempts } = await b.claimOne();
    assert.deepEqual(
      { id, key, headers, maxAttempts },
      { id: job.id, key: "k", headers: { a: "1" }, maxAttempts: 2 },
    );
  }),
];
