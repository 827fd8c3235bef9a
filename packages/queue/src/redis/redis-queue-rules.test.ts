import { expect, test } from "vitest";
import type { QueueSettings } from "../driver.ts";
import { RedisQueues } from "./redis-queue-rules.ts";

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: Number.POSITIVE_INFINITY, count: 7 } },
};

test("what is not limited is -1, and what has no end has a large number", () => {
  const { rules, maxBacklog, keys } = new RedisQueues("hrq").of(settings);
  expect(JSON.parse(rules)).toEqual([-1, -1, -1, 1, 0, -1, -1, 1e15, 7, "hrq:{photos}:events"]);
  expect([maxBacklog, keys.base]).toEqual(["", "hrq:{photos}"]);
});

test("limits are there in their order", () => {
  const { rules, maxBacklog } = new RedisQueues("hrq").of({
    name: "photos",
    maxBacklog: 10,
    limits: {
      concurrency: 2,
      rate: { jobs: 3, perMs: 4 },
      perKeyConcurrency: 5,
      perKeyRate: { jobs: 2, perMs: 3_000 },
    },
    retention: { done: { ms: 6, count: 7 }, dead: { ms: 8, count: 9 } },
  });
  expect(JSON.parse(rules).slice(0, 9)).toEqual([2, 3, 4, 5, 1_500, 6, 7, 8, 9]);
  expect(maxBacklog).toBe(10);
});

test("the text of a queue is made once", () => {
  const queues = new RedisQueues("hrq");
  expect(queues.of(settings)).toBe(queues.of(settings));
});
