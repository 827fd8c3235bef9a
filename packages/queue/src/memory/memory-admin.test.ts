import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { ids, newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { findJob, listJobs, purgeJobs, redriveJobs, reportProgress } from "./memory-admin.ts";
import { MemoryServer } from "./memory-server.ts";

const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1e9, count: 10 } },
};
const CLAIM = { limit: 10, leaseMs: 1_000 };

test("what has become ready is shown so, though nobody has claimed since", async () => {
  const clock = createManualClock();
  const { queue } = new MemoryServer({ clock }).queue("photos");
  queue.enqueue(QUEUE, [newJob({ id: "a", delayMs: 100 })]);
  expect(findJob(queue, QUEUE, "a")?.state).toBe("delayed");
  await clock.advance(100);
  expect(findJob(queue, QUEUE, "a")?.state).toBe("ready");
  expect(ids(listJobs(queue, QUEUE, "ready", { limit: 1 }).jobs)).toEqual(["a"]);
});

test("the last page has no cursor, also when it is full", () => {
  const { queue } = new MemoryServer({}).queue("photos");
  queue.enqueue(QUEUE, [newJob({ id: "a" }), newJob({ id: "b" })]);
  const page = listJobs(queue, QUEUE, "ready", { limit: 1 });
  expect([ids(page.jobs), page.cursor]).toEqual([["a"], "1"]);
  const last = listJobs(queue, QUEUE, "ready", { limit: 1, cursor: page.cursor });
  expect([ids(last.jobs), last.cursor]).toEqual([["b"], undefined]);
});

test("what is active is neither purged nor redriven", () => {
  const { queue } = new MemoryServer({}).queue("photos");
  queue.enqueue(QUEUE, [newJob({ id: "a" })]);
  const [job] = queue.claim(QUEUE, CLAIM).jobs;
  expect(purgeJobs(queue, QUEUE, ["active", "ready", "ready"])).toBe(0);
  expect(redriveJobs(queue, QUEUE, { ids: ["a"] })).toBe(0);
  expect(job && reportProgress(queue, job, "1")).toBe(true);
  expect(findJob(queue, QUEUE, "a")?.progress).toBe("1");
  expect(reportProgress(queue, { id: "a", token: "x" }, "2")).toBe(false);
});
