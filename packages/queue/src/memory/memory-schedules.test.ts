import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemorySchedules } from "./memory-schedules.ts";
import { MemoryServer } from "./memory-server.ts";

const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: 1,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

function schedulesAt(nowMs: number): { schedules: MemorySchedules; queue: MemoryQueue } {
  const queue = new MemoryQueue(new MemoryServer({}));
  return { queue, schedules: new MemorySchedules(queue, () => nowMs) };
}

test("each tick is fired once, and none before its time", () => {
  const { schedules, queue } = schedulesAt(1_000);
  expect(schedules.fire(QUEUE, "a", 1_001, newJob())).toEqual({ outcome: "early", inMs: 1 });
  expect(schedules.fire(QUEUE, "a", 1_000, newJob())).toEqual({ outcome: "fired" });
  expect(schedules.fire(QUEUE, "a", 1_000, newJob())).toEqual({ outcome: "already" });
  expect(schedules.fire(QUEUE, "a", 999, newJob())).toEqual({ outcome: "already" });
  expect(queue.states.count("ready")).toBe(1);
});

test("a full backlog loses no tick", () => {
  const { schedules, queue } = schedulesAt(1_000);
  queue.enqueue(QUEUE, [newJob()]);
  expect(schedules.fire(QUEUE, "a", 1_000, newJob())).toEqual({ outcome: "fired" });
  expect(queue.states.count("ready")).toBe(2);
});

test("a schedule begins once, and afresh when it was forgotten", () => {
  const { schedules } = schedulesAt(1_000);
  schedules.fire(QUEUE, "a", 900, newJob());
  expect(schedules.begin("a")).toEqual({ lastTickMs: 900, nowMs: 1_000 });
  schedules.forget("b");
  expect(schedules.begin("a").lastTickMs).toBe(900);
  schedules.forget("a");
  expect(schedules.begin("a")).toEqual({ lastTickMs: 1_000, nowMs: 1_000 });
});
