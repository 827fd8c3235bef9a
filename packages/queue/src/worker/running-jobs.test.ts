import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { ClaimedJob } from "../driver.ts";
import { Attempt } from "./attempt.ts";
import { BatchGroup } from "./batch-group.ts";
import { RunningJobs } from "./running-jobs.ts";

function setup() {
  const clock = createManualClock();
  const abandoned: string[] = [];
  const running = new RunningJobs({
    queue: "q",
    clock,
    graceMs: 500,
    abandoned: ({ job, aborted }) =>
      abandoned.push(`${clock.monotonicNow()}: ${job.id} ${aborted?.code}`),
  });
  const begin = (id: string, timeoutMs = 1_000): Attempt => {
    const attempt = new Attempt({ id } as ClaimedJob, 0);
    running.enter(attempt, timeoutMs);
    return attempt;
  };
  return { clock, running, abandoned, begin };
}

test("a handler that takes too long is told, has a moment, and is abandoned", async () => {
  const { clock, running, abandoned, begin } = setup();
  const [slow, stuck] = [begin("slow"), begin("stuck")];
  await clock.advance(1_000);
  expect([slow.aborted?.code, stuck.aborted?.code]).toEqual(["QUEUE_TIMEOUT", "QUEUE_TIMEOUT"]);
  running.leave(slow);
  await clock.advance(500);
  expect(abandoned).toEqual(["1500: stuck QUEUE_TIMEOUT"]);
  expect([running.size, running.slots]).toEqual([0, 0]);
});

test("a lost job is told, not extended any more, and not told twice", async () => {
  const { clock, running, abandoned, begin } = setup();
  const job = begin("a", Number.POSITIVE_INFINITY);
  running.lost(job, "cancelled");
  running.lost(job, "lost");
  expect([job.gone, job.aborted?.code, [...running.held()]]).toEqual([true, "QUEUE_CANCELLED", []]);
  await clock.advance(500);
  expect(abandoned).toEqual(["500: a QUEUE_CANCELLED"]);
});

test("a job that is lost after its time was over keeps that reason, but is gone", async () => {
  const { clock, running, begin } = setup();
  const job = begin("a");
  await clock.advance(1_000);
  running.lost(job, "lost");
  expect([job.gone, job.aborted?.code]).toEqual([true, "QUEUE_TIMEOUT"]);
});

test("a batch takes one place, until the last of its jobs has left", () => {
  const { running, begin } = setup();
  const [a, b] = ["a", "b"].map((id) => new Attempt({ id } as ClaimedJob, 0)) as [Attempt, Attempt];
  running.enterAll(new BatchGroup([a, b]), 1_000);
  begin("c");
  expect([running.size, running.slots]).toEqual([3, 2]);
  running.leave(a);
  expect([running.size, running.slots]).toEqual([2, 2]);
  running.leave(b);
  expect([running.size, running.slots]).toEqual([1, 1]);
});

test("who waits for the end is told when the last has left", async () => {
  const { running, abandoned, begin } = setup();
  await running.drained();
  const [a] = [begin("a"), begin("b")];
  let drained = false;
  const waiting = running.drained().then(() => {
    drained = true;
  });
  running.leave(a);
  await Promise.resolve();
  expect(drained).toBe(false);
  running.abortAll();
  running.abandonAll();
  await waiting;
  expect(abandoned).toEqual(["0: b QUEUE_STOPPING"]);
  running.close();
});
