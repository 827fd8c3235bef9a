import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { MemoryServer } from "./memory-server.ts";

const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1e9, count: 10 } },
};
const CHILD = { queue: "crop", id: "c" };
const DONE = { kind: "done", result: undefined } as const;
const DAY_MS = 86_400_000;

test("what was reported of a parent that never came is forgotten after a day", async () => {
  const clock = createManualClock();
  const { queue, flows } = new MemoryServer({ clock }).queue("photos");
  flows.report(QUEUE, "soon", CHILD, DONE);
  flows.report(QUEUE, "late", CHILD, DONE);
  await clock.advance(DAY_MS - 1);
  flows.hold(QUEUE, newJob({ id: "soon" }), [CHILD], "fail");
  expect(queue.states.count("ready")).toBe(1);
  await clock.advance(1);
  flows.hold(QUEUE, newJob({ id: "late" }), [CHILD], "fail");
  expect(queue.states.count("held")).toBe(1);
});

test("a parent's delay begins when its children have ended", async () => {
  const clock = createManualClock();
  const { queue, flows } = new MemoryServer({ clock }).queue("photos");
  flows.hold(QUEUE, newJob({ id: "p", delayMs: 100 }), [CHILD], "fail");
  await clock.advance(500);
  flows.report(QUEUE, "p", CHILD, DONE);
  expect(queue.states.count("delayed")).toBe(1);
  await clock.advance(100);
  expect(queue.claim(QUEUE, { limit: 1, leaseMs: 1 }).jobs).toHaveLength(1);
});

test("a job that is no parent has no children, and hears of none", () => {
  const { queue, flows } = new MemoryServer({}).queue("photos");
  queue.enqueue(QUEUE, [newJob({ id: "a" })]);
  flows.report(QUEUE, "a", CHILD, DONE);
  expect(flows.children("a")).toEqual([]);
  expect(flows.children("nobody")).toEqual([]);
});

test("a dead parent is told of as any job that has ended", async () => {
  const { queue, flows } = new MemoryServer({}).queue("photos");
  const ended: unknown[] = [];
  queue.subscribers.add(["ended"], (event) => ended.push(event));
  flows.hold(QUEUE, newJob({ id: "p" }), [CHILD], "fail");
  flows.report(QUEUE, "p", CHILD, { kind: "dead", reason: "timeout" });
  await Promise.resolve();
  expect(ended).toEqual([{ kind: "ended", id: "p" }]);
  expect(queue.states.find("p")?.reason).toBe("child-dead");
});
