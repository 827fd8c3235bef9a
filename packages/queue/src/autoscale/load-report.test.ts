import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { QueueStats } from "../driver.ts";
import { type KedaOptions, kedaRules } from "./keda-options.ts";
import { LoadReporter } from "./load-report.ts";

function setup(options: Partial<KedaOptions> = {}) {
  const clock = createManualClock();
  const queue = {
    name: "photos",
    asked: 0,
    now: {
      ready: 0,
      delayed: 0,
      active: 0,
      held: 0,
      dead: 0,
      paused: false,
      oldestReadyMs: undefined as number | undefined,
      totals: { added: 0, ended: 0 },
    },
    async stats(): Promise<QueueStats> {
      queue.asked++;
      return queue.now;
    },
  };
  const rules = kedaRules({ photos: queue }, { concurrency: 10, clock, ...options });
  return { clock, queue, reporter: new LoadReporter(rules) };
}

test("depth, age, rates and how many workers that is", async () => {
  const { clock, queue, reporter } = setup();
  const first = await reporter.report();
  expect(first.queues["photos"]).toMatchObject({ arrivalPerSecond: null, desired: 0 });
  await clock.advance(30_000);
  queue.now = {
    ...queue.now,
    ready: 1_200,
    delayed: 5,
    active: 20,
    held: 1,
    oldestReadyMs: 12_500,
    totals: { added: 1_500, ended: 300 },
  };
  expect(await reporter.report()).toEqual({
    queues: {
      photos: {
        depth: 1_226,
        ready: 1_200,
        delayed: 5,
        active: 20,
        held: 1,
        dead: 0,
        paused: false,
        oldestReadySeconds: 12.5,
        arrivalPerSecond: 50,
        servicePerSecond: 10,
        runtimeSeconds: 2,
        desired: 14, // 1,200 × 2 s in 60 s are 40 slots, 50 × 2 s to keep up are 100
      },
    },
    desired: 14,
  });
});

test("two names of one queue are its load once", async () => {
  const { queue } = setup();
  queue.now = { ...queue.now, ready: 1_200 };
  const shared = { ...queue, name: "videos", queue: "photos" };
  const rules = kedaRules({ photos: queue, videos: shared }, { concurrency: 10, runtimeMs: 1_000 });
  const { queues, desired } = await new LoadReporter(rules).report();
  expect([queues["photos"]?.desired, queues["videos"]?.desired, desired]).toEqual([2, 2, 2]);
});

test("however many ask, the queues are asked once a second", async () => {
  const { clock, queue, reporter } = setup();
  await Promise.all([reporter.report(), reporter.report()]);
  await clock.advance(999);
  await reporter.report();
  expect(queue.asked).toBe(1);
  await clock.advance(1);
  await reporter.report();
  expect(queue.asked).toBe(2);
});

test("how long a job takes may be said instead of reckoned; a paused queue needs nobody", async () => {
  const { clock, queue, reporter } = setup({ runtimeMs: 500 });
  queue.now = { ...queue.now, ready: 2_400 };
  expect((await reporter.report()).desired).toBe(2);
  await clock.advance(1_000);
  queue.now = { ...queue.now, paused: true };
  expect((await reporter.report()).desired).toBe(0);
});
