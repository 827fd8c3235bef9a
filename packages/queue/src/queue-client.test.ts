import { createManualClock } from "@headroom/core/testing";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineQueue } from "./definition.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { job } from "./queue-client.ts";
import { createQueues } from "./queues.ts";

const photos = defineQueue({ name: "photos", input: z.object({ photo: z.string() }) });

test("a queue takes what its schema takes, and no other", async () => {
  const driver = memoryDriver({ clock: createManualClock() });
  const queues = createQueues({ driver, queues: { photos } });
  expectTypeOf(queues.photos.add).parameter(0).toEqualTypeOf<{ photo: string }>();
  // @ts-expect-error: no such field
  await expect(queues.photos.add({ foto: "a" })).rejects.toMatchObject({ code: "QUEUE_INVALID" });
  await expect(
    // @ts-expect-error: nor in a list
    queues.photos.addMany([{ photo: "a" }, job({ photo: 1 }, { delayMs: 5 })]),
  ).rejects.toMatchObject({ code: "QUEUE_INVALID" });
  expect(await queues.photos.stats()).toMatchObject({ ready: 0 });
  expect(queues.photos.name).toBe("photos");
});

test("a job of a list has options of its own, checked by name", async () => {
  const driver = memoryDriver({ clock: createManualClock() });
  const queues = createQueues({ driver, queues: { photos } });
  await queues.photos.addMany([
    { photo: "a" },
    job({ photo: "b" }, { delayMs: 5, headers: { a: "b" } }),
  ]);
  expect(driver.jobs("photos").map(({ state }) => state)).toEqual(["ready", "delayed"]);
  await expect(queues.photos.addMany([job({ photo: "b" }, { dely: 5 } as never)])).rejects.toThrow(
    'did you mean "delayMs"?',
  );
});

test("an option of waiting that is misspelt is named", async () => {
  const q = defineQueue({ name: "q", results: {} });
  const queues = createQueues({ driver: memoryDriver(), queues: { q } });
  await expect(queues.q.addAndWait(1, { timeout: 5 } as never)).rejects.toThrow(
    'did you mean "timeoutMs"?',
  );
});
