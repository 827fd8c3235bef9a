import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

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
