import { createManualClock } from "@headroom/core/testing";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineQueue } from "./definition.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { createQueues } from "./queues.ts";

const photo = z.object({ photo: z.string(), size: z.coerce.number() });

test("a job that is added is handled, with what the schema made of its data", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const photos = defineQueue({ name: "photos", input: photo });
  await using queues = createQueues({ driver, queues: { photos }, clock });
  const seen: unknown[] = [];
  const worker = queues.worker({
    photos: async (job, context) => {
      expectTypeOf(job.data).toEqualTypeOf<{ photo: string; size: number }>();
      seen.push(job.data, job.attempt, context.fence.startsWith(`${job.id}:1:`));
    },
  });
  const added = await queues.photos.add({ photo: "a.jpg", size: "12" });
  expect(added.outcome).toBe("added");
  await clock.advance(1);
  expect(seen).toEqual([{ photo: "a.jpg", size: 12 }, 1, true]);
  expect(await queues.photos.stats()).toMatchObject({ ready: 0, active: 0, dead: 0 });
  expect(worker.stats()).toMatchObject({ done: 1, running: 0 });
  expect(driver.jobs("photos")).toEqual([]);
});

test("many jobs are claimed and settled in few calls", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  let calls = 0;
  const counted = {
    ...driver,
    name: driver.name,
    capabilities: driver.capabilities,
    settle: ((...given) => {
      calls += 1;
      return driver.settle(...given);
    }) as typeof driver.settle,
  };
  await using queues = createQueues({
    driver: counted,
    queues: { many: defineQueue({ name: "many" }) },
    clock,
  });
  await queues.many.addMany(Array.from({ length: 1_000 }, (_, at) => ({ at })));
  const worker = queues.worker({ many: async () => {} }, { concurrency: 100 });
  await clock.advance(1);
  expect(worker.stats()).toMatchObject({ done: 1_000 });
  expect(calls).toBeLessThan(40);
});

test("what an attempt throws is tried again until it works", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const queue = defineQueue({ name: "q", retry: { attempts: 3 } });
  await using queues = createQueues({ driver, queues: { queue }, clock });
  const attempts: number[] = [];
  queues.worker({
    queue: async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error("not yet");
    },
  });
  await queues.queue.add(1);
  await clock.advance(10_000);
  expect(attempts).toEqual([1, 2, 3]);
});
