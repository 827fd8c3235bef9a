/** What subscribers are told. Events are hints, so a case repeats its cause until it is told. */

import assert from "node:assert/strict";
import type { DriverEvent } from "../driver.ts";
import {
  DONE,
  GIVE_UP,
  MINUTE_MS,
  type QueueDriverCase,
  queueCase,
  RETRY,
} from "./conformance-bench.ts";

function has(told: readonly DriverEvent[], kind: DriverEvent["kind"], id?: string): boolean {
  return told.some((event) => event.kind === kind && (id === undefined || idOf(event) === id));
}

function idOf(event: DriverEvent): string | undefined {
  return event.kind === "ready" ? undefined : event.id;
}

export const eventCases: readonly QueueDriverCase[] = [
  queueCase("whoever waits for a job is told of one", [], async (bench) => {
    const { driver, other, queue, add, eventually, listen } = bench;
    const told = await listen(["ready"], { by: other });
    await eventually("another process is told", async () => {
      await add();
      return has(told, "ready");
    });
    const own = await listen(["ready"], { by: driver });
    await eventually("the own process is told", async () => {
      await add();
      return has(own, "ready");
    });
    assert.ok(told.every(({ kind }) => kind === "ready"));
    assert.ok((await driver.stats(queue)).ready >= 2, "telling takes no job");
  }),
  queueCase("a job that comes back is told of", [], async (bench) => {
    const { add, claimOne, eventually, listen, settle } = bench;
    await add();
    let job = await claimOne();
    const told = await listen(["ready"], { by: bench.other });
    await eventually("its retry is told", async () => {
      if (has(told, "ready")) return true;
      await settle(job, RETRY);
      job = await claimOne();
      return has(told, "ready");
    });
  }),
  queueCase("who waits for a paused queue is told when it goes on", ["admin"], async (bench) => {
    const { admin, queue, eventually, listen } = bench;
    await bench.add();
    const told = await listen(["ready"], { by: bench.other });
    await eventually("it is told", async () => {
      await admin.pause(queue);
      await admin.resume(queue);
      return has(told, "ready");
    });
  }),
  queueCase("a subscriber is told of its queue only, and of what it asked for", [], async (b) => {
    const elsewhere = b.settings({ name: b.name() });
    const told = await b.listen(["ended"], { by: b.other });
    const foreign = await b.listen(["ended"], { queue: elsewhere });
    if (!b.driver.capabilities.results) return;
    const queue = b.settings({
      retention: { ...b.queue.retention, done: { ms: MINUTE_MS, count: 100 } },
    });
    await b.eventually("it is told", async () => {
      const id = await b.add({}, queue);
      await b.settle(await b.claimOne({ queue }), DONE, { queue });
      await b.pass(20);
      return has(told, "ended", id);
    });
    assert.ok(told.every(({ kind }) => kind === "ended"));
    assert.deepEqual(foreign, []);
  }),
  queueCase(
    "the end of a job is told, when its result can be read",
    ["results", "admin"],
    async (b) => {
      const queue = b.settings({
        retention: { ...b.queue.retention, done: { ms: MINUTE_MS, count: 100 } },
      });
      const states: unknown[] = [];
      const looked: Promise<unknown>[] = [];
      const look = (event: DriverEvent): void => {
        if (event.kind !== "ended") return;
        const found = b.admin.find(queue, event.id);
        looked.push(found.then((job) => states.push(job?.state)));
      };
      const subscription = b.other.subscribe(queue, ["ended"], look);
      await subscription.ready;
      for (const [verdict, state] of [
        [DONE, "done"],
        [GIVE_UP, "dead"],
      ] as const) {
        if (state === "dead" && !b.driver.capabilities.deadLetters) continue;
        states.length = 0;
        await b.eventually(`${state} is told`, async () => {
          await b.add({}, queue);
          await b.settle(await b.claimOne({ queue }), verdict, { queue });
          await b.pass(20);
          return states.length > 0;
        });
        assert.equal(states[0], state);
      }
      await subscription.close();
      await Promise.all(looked);
    },
  ),
  queueCase("cancellation and progress are told", ["admin"], async (bench) => {
    const { admin, queue, add, claimOne, eventually, listen } = bench;
    const told = await listen(["cancelled", "progress"], { by: bench.other });
    const id = await add();
    const job = await claimOne();
    await eventually("progress is told", async () => {
      await admin.progress(queue, job, "1");
      await bench.pass(20);
      return has(told, "progress", id);
    });
    await eventually("a cancellation is told", async () => {
      const another = await add();
      await claimOne();
      await admin.cancel(queue, another);
      await bench.pass(20);
      return has(told, "cancelled", another);
    });
  }),
  queueCase("a subscription that was closed is told nothing", [], async (bench) => {
    const { driver, queue, add, eventually } = bench;
    const told: DriverEvent[] = [];
    const subscription = driver.subscribe(queue, ["ready"], (event) => told.push(event));
    await subscription.ready;
    const still = await bench.listen(["ready"]);
    await subscription.close();
    await subscription.close();
    const before = told.length;
    await eventually("the other one is told", async () => {
      await add();
      return has(still, "ready");
    });
    assert.equal(told.length, before);
  }),
];
