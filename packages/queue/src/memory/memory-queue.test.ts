import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { ClaimedJob, QueueSettings, Verdict } from "../driver.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryServer } from "./memory-server.ts";

// What the contract says is tested by the suite (driver-conformance.test.ts); here is what is memory's.

const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: {
    concurrency: undefined,
    rate: undefined,
    perKeyConcurrency: 1,
    perKeyRate: undefined,
  },
  retention: { done: undefined, dead: { ms: 1e9, count: 100 } },
};
const FAILURE = { name: "Error", message: "no" };

function queueOnClock(): { queue: MemoryQueue; clock: ManualClock } {
  const clock = createManualClock();
  return { queue: new MemoryQueue(new MemoryServer({ clock })), clock };
}

function claim(queue: MemoryQueue, limit = 10): readonly ClaimedJob[] {
  return queue.claim(QUEUE, { limit, leaseMs: 1_000 }).jobs;
}

test("a claim says what it has swept, and only then", async () => {
  const { queue, clock } = queueOnClock();
  queue.enqueue(QUEUE, [newJob({ id: "a", maxAttempts: 1 }), newJob({ id: "b" })]);
  claim(queue);
  await clock.advance(1_000);
  const dead = [{ id: "a", name: "work", attempts: 1, parent: undefined }];
  const { jobs, swept } = queue.claim(QUEUE, { limit: 10, leaseMs: 1_000 });
  expect(jobs.map(({ id, attempt }) => [id, attempt])).toEqual([["b", 2]]);
  expect(swept).toEqual({ recovered: 1, dead });
  expect(queue.claim(QUEUE, { limit: 10, leaseMs: 1_000 }).swept).toBeUndefined();
  expect(queue.sweep(QUEUE)).toEqual({ recovered: 0, dead: [] });
});

test("a lease that has expired is good until somebody has looked", async () => {
  const { queue, clock } = queueOnClock();
  queue.enqueue(QUEUE, [newJob({ id: "a" })]);
  const [job] = claim(queue);
  await clock.advance(5_000);
  expect(job && queue.extend(job, 1_000)).toBe("extended");
  expect(claim(queue)).toEqual([]);
  await clock.advance(1_000);
  expect(claim(queue).map(({ attempt }) => attempt)).toEqual([2]);
});

test("that a job was cancelled is told as long as its lease would have lasted", async () => {
  const { queue, clock } = queueOnClock();
  queue.enqueue(QUEUE, [newJob({ id: "a" })]);
  const [job] = claim(queue);
  expect(queue.cancel(QUEUE, "a")).toBe(true);
  expect(job && queue.extend(job, 1_000)).toBe("cancelled");
  await clock.advance(1_000);
  queue.sweep(QUEUE);
  expect(job && queue.extend(job, 1_000)).toBe("lost");
});

test("the next moment is that of the next delay, key or rate", async () => {
  const { queue, clock } = queueOnClock();
  const nextMs = (limits = {}): number | undefined =>
    queue.claim({ ...QUEUE, limits: { ...QUEUE.limits, ...limits } }, { limit: 10, leaseMs: 1e9 })
      .nextMs;
  expect(nextMs()).toBeUndefined();
  queue.enqueue(QUEUE, [newJob({ delayMs: 500 }), newJob({ delayMs: 300 })]);
  expect(nextMs()).toBe(300);
  await clock.advance(100);
  queue.enqueue(QUEUE, [newJob({ id: "k", key: "k" })]);
  const [job] = claim(queue);
  const verdict: Verdict = { kind: "retry", delayMs: 50, failure: FAILURE };
  if (job !== undefined) queue.settle(QUEUE, [{ job, verdict }]);
  expect(nextMs()).toBe(50);
  queue.enqueue(QUEUE, [newJob(), newJob(), newJob()]);
  expect(nextMs({ rate: { jobs: 1, perMs: 20 } })).toBe(20);
  queue.paused = true;
  expect(nextMs()).toBeUndefined();
});

test("who waits is told when there is something to claim, and only then", async () => {
  const { queue } = queueOnClock();
  let told = 0;
  queue.subscribers.add(["ready"], () => told++);
  const tellings = async (): Promise<number> => {
    await Promise.resolve();
    return told;
  };
  queue.enqueue(QUEUE, [newJob({ delayMs: 100 })]);
  expect(await tellings()).toBe(0);
  queue.enqueue(QUEUE, [newJob({ key: "a" }), newJob({ key: "a" })]);
  expect(await tellings()).toBe(1);
  const [job] = claim(queue);
  const settlements = job === undefined ? [] : [{ job, verdict: done }];
  queue.settle(QUEUE, []);
  expect(await tellings()).toBe(1);
  queue.settle(QUEUE, settlements);
  expect(await tellings(), "the key is free").toBe(2);
});

const done: Verdict = { kind: "done", result: undefined };

test("a redriven job takes its dedup key again if that is free", () => {
  const { queue } = queueOnClock();
  const dedup = { key: "d", windowMs: undefined };
  const outcome = (id: string): string | undefined =>
    queue.enqueue(QUEUE, [newJob({ id, dedup })])[0]?.outcome;
  outcome("a");
  const [job] = claim(queue);
  if (job === undefined) throw new Error("there is one");
  queue.settle(QUEUE, [{ job, verdict: { kind: "dead", reason: "timeout", failure: undefined } }]);
  const dead = queue.states.find("a");
  if (dead !== undefined) queue.redrive(QUEUE, dead);
  expect(outcome("b")).toBe("duplicate");
  expect(queue.states.count("ready")).toBe(1);
});
