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

const plain = defineQueue({ name: "plain" });
const options = () => ({ driver: memoryDriver({ clock: createManualClock() }) });

test.each<[object, string]>([
  [{ queues: {} }, "at least one definition"],
  [{ queues: { worker: plain } }, '"worker" is a name of our own'],
  [{ queues: { plain: { name: "plain" } } }, "queues.plain must be made by defineQueue"],
  [{ queues: { a: plain, b: plain } }, 'two definitions of the name "plain"'],
  [{ queues: { plain }, driver: {} }, "driver must be"],
  [{ queues: { plain }, emulate: ["keys"] }, "emulate must be one of"],
  [{ queues: { plain }, middleware: [1] }, "middleware must be a function"],
  [{ queues: { plain }, addMiddleware: {} }, "addMiddleware must be a list"],
  [{ queues: { plain }, clok: 1 }, 'did you mean "clock"?'],
])("%j is refused while the application starts", (wrong, message) => {
  expect(() => createQueues({ ...options(), ...wrong } as never)).toThrow(message);
});

test("definitions may share a physical queue, and a worker takes only what it has handlers for", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const crop = defineQueue<number>({ name: "crop", queue: "media" });
  const tag = defineQueue<number>({ name: "tag", queue: "media" });
  await using queues = createQueues({ driver, queues: { crop, tag }, clock });
  const seen: string[] = [];
  queues.worker({ crop: ({ name, data }) => void seen.push(`${name} ${data}`) });
  await queues.tag.add(1);
  await queues.crop.add(2);
  await clock.advance(1);
  expect(seen).toEqual(["crop 2"]);
  queues.worker({ tag: ({ name, data }) => void seen.push(`${name} ${data}`) });
  await clock.advance(20_000);
  expect(seen).toEqual(["crop 2", "tag 1"]);
  expect(driver.jobs("media")).toEqual([]);
});

test("a worker needs handlers, of queues that there are", () => {
  const queues = createQueues({ ...options(), queues: { plain } });
  expect(() => queues.worker({})).toThrow("at least one handler");
  // @ts-expect-error: there is no such queue
  expect(() => queues.worker({ other: () => {} })).toThrow('no queue "other"');
  // @ts-expect-error: no function
  expect(() => queues.worker({ plain: 5 })).toThrow('handler of "plain"');
});

test("closed, they take nothing more, and the driver is closed unless it is another's", async () => {
  const clock = createManualClock();
  for (const closeDriver of [undefined, false]) {
    const driver = memoryDriver({ clock });
    const queues = createQueues({ driver, queues: { plain }, clock, closeDriver });
    const worker = queues.worker({ plain: () => {} });
    await Promise.all([queues.close(), queues.close()]);
    await worker.stop();
    await expect(queues.plain.add(1)).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
    expect(() => queues.worker({ plain: () => {} })).toThrow("closed");
    const other = createQueues({ driver, queues: { plain }, clock });
    const adding = other.plain.add(1);
    if (closeDriver === false) expect(await adding).toMatchObject({ outcome: "added" });
    else await expect(adding).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
  }
  expect(clock.pending).toBe(0);
});

test("what is no set of queues or handlers is refused by name", () => {
  const q = defineQueue({ name: "q" });
  const driver = memoryDriver({ clock: createManualClock() });
  expect(() => createQueues({ driver, queues: [q] as never })).toThrow("{ photos }");
  const queues = createQueues({ driver, queues: { q } });
  expect(() => queues.worker(undefined as never)).toThrow("handlers must be an object");
  expect(() => queues.worker((() => {}) as never)).toThrow("handlers must be an object");
});
