import { expect, test } from "vitest";
import { type AutoscalerOptions, autoscalerRules, scalableQueues } from "./autoscaler-options.ts";

const queue = { name: "photos", stats: () => Promise.reject(new Error("not asked")) };
const least: AutoscalerOptions = {
  queues: queue,
  start: () => ({ stop: async () => {} }),
  concurrency: 10,
  maxWorkers: 8,
};

test("the least there is to give, and what it stands for", () => {
  expect(autoscalerRules(least)).toMatchObject({
    queues: [queue],
    limits: { minWorkers: 1, maxWorkers: 8, maxStep: 2, targetClearMs: 60_000, hysteresis: 0.2 },
    intervalMs: 5_000,
    downAfterMs: 60_000,
    share: 1,
  });
});

test.each<[object, RegExp]>([
  [{ maxWorkers: 0 }, /maxWorkers/],
  [{ minWorkers: 9 }, /maxWorkers must be at least minWorkers \(9\), got 8/],
  [{ queues: [] }, /queues must name at least one queue/],
  [{ queues: [{}] }, /queues must be an object with stats/],
  [{ share: 0 }, /share/],
  [{ targetClear: 5 }, /did you mean "targetClearMs"/],
  [{ start: 5 }, /start must be a function/],
])("%o is refused", (wrong, message) => {
  expect(() => autoscalerRules({ ...least, ...wrong })).toThrow(message);
});

test("a queue that two definitions share is one", () => {
  expect(scalableQueues([queue, { ...queue }])).toHaveLength(1);
  const shared = [
    { ...queue, queue: "media" },
    { ...queue, name: "videos", queue: "media" },
  ];
  expect(scalableQueues(shared)).toHaveLength(1);
});
