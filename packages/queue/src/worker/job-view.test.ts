import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import type { ClaimedJob, QueueDriver, SettleOutcome } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { definitionRules } from "../queue-options.ts";
import { createQueues } from "../queues.ts";
import { Attempt } from "./attempt.ts";
import { AttemptContext, batchJobView, jobView } from "./job-view.ts";

const job = {
  id: "1",
  token: "1:2:x",
  name: "q",
  body: "5",
  headers: { a: "b" },
  attempt: 2,
  maxAttempts: 3,
  priority: 1,
  key: "k",
  addedAtMs: 10,
  waitedMs: 3,
} as unknown as ClaimedJob;

function setup(driver: object, claimed: ClaimedJob = job) {
  const attempt = new Attempt(claimed, 1_000);
  attempt.stage = "running";
  const context = new AttemptContext(attempt, definitionRules({ name: "q", results: {} }), {
    driver: { name: "stub", ...driver } as QueueDriver,
    settings: { name: "q" } as never,
  });
  return { attempt, context };
}

test("a handler sees the job, and nothing of how it is kept", () => {
  const view = jobView(job, 5);
  expect(view).toEqual({
    id: "1",
    name: "q",
    data: 5,
    attempt: 2,
    maxAttempts: 3,
    headers: { a: "b" },
    priority: 1,
    key: "k",
    addedAtMs: 10,
    waitedMs: 3,
  });
  const { context, attempt } = setup({});
  expect(batchJobView(job, 5, context)).toEqual({ ...view, context });
  expect([context.fence, context.signal]).toEqual(["1:2:x", attempt.signal]);
});

test("progress is told under the lease, and refused without one", async () => {
  const told: unknown[] = [];
  let there = true;
  const admin = {
    progress: async (_: unknown, lease: unknown, text: string) => {
      told.push(lease, text);
      return there;
    },
  };
  const { context, attempt } = setup({ admin });
  await context.progress({ percent: 5 });
  expect(told).toEqual([{ id: "1", token: "1:2:x" }, '{"percent":5}']);
  there = false;
  await expect(context.progress(6)).rejects.toMatchObject({ code: "QUEUE_LEASE_LOST" });
  attempt.gone = true;
  await expect(context.progress(7)).rejects.toMatchObject({ code: "QUEUE_LEASE_LOST" });
  expect(told).toHaveLength(4);
});

test("a job is completed in a transaction, or the transaction is to be rolled back", async () => {
  const outcomes: SettleOutcome[] = ["settled", "lost"];
  const asked: unknown[] = [];
  const driver = {
    capabilities: { transactions: true, results: true },
    settle: async (_: unknown, settlements: unknown, options: unknown) => {
      asked.push(settlements, options);
      return { outcomes: [outcomes.shift()], claim: undefined };
    },
  };
  const { context, attempt } = setup(driver);
  await context.completeIn("tx", { ok: true });
  expect(attempt.completedInTx).toBe(true);
  expect(asked).toEqual([
    [{ job, verdict: { kind: "done", result: '{"ok":true}' } }],
    { tx: "tx" },
  ]);
  await expect(context.completeIn("tx")).rejects.toMatchObject({ code: "QUEUE_LEASE_LOST" });
  expect(attempt.completedInTx).toBe(false);
});

test("what the children of a flow have become is read, in their order", async () => {
  const children = [
    { queue: "a", id: "1", outcome: { kind: "done", result: '{"n":1}' } },
    { queue: "a", id: "2", outcome: { kind: "done", result: undefined } },
    { queue: "b", id: "3", outcome: { kind: "dead", reason: "timeout" } },
  ];
  const { context } = setup({ flows: { children: async () => children } });
  expect(await context.children()).toEqual([
    { queue: "a", id: "1", outcome: { kind: "done", result: { n: 1 } } },
    { queue: "a", id: "2", outcome: { kind: "done", result: undefined } },
    { queue: "b", id: "3", outcome: { kind: "dead", reason: "timeout" } },
  ]);
});

test("what the driver lacks is refused, not ignored", async () => {
  const { context } = setup({ capabilities: { transactions: false } });
  for (const call of [context.progress(1), context.completeIn({}), context.children()]) {
    await expect(call).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
  }
});

test("what a handler takes out of its context works", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const photos = defineQueue<string>({ name: "photos", retry: { attempts: 1 } });
  await using queues = createQueues({ driver, queues: { photos }, clock });
  const seen: unknown[] = [];
  queues.worker({
    photos: async ({ id }, { progress, children, completeIn, fence, signal }) => {
      await progress(0.5);
      seen.push((await queues.photos.find(id))?.progress, await children(), signal.aborted);
      expect(fence).toMatch(new RegExp(`^${id}:1:`));
      await completeIn({}).catch((error) => seen.push(error.code));
    },
  });
  await queues.photos.add("a");
  await clock.advance(100);
  expect(seen).toEqual([0.5, [], false, "QUEUE_UNSUPPORTED"]);
  expect(driver.jobs("photos")).toEqual([]);
});
