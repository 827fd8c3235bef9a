import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { memoryDriver } from "../memory/memory-driver.ts";
import { QueueDirectory } from "./queue-directory.ts";
import { watchHeld } from "./watch-held.ts";

test("it looks about twice a minute, also after a failure, until it ends", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  let looks = 0;
  const { admin } = driver;
  if (admin === undefined) throw new Error("the memory driver has all");
  const counted = {
    ...driver,
    name: "memory",
    capabilities: driver.capabilities,
    admin: {
      ...admin,
      list: async () => {
        if (looks++ === 1) throw new Error("away");
        return { jobs: [], cursor: undefined };
      },
    },
  };
  const directory = new QueueDirectory({
    name: undefined,
    driver: counted,
    queues: new Map(),
    links: () => [],
  });
  const stop = watchHeld(directory.place("albums"), clock, () => 0.5);
  await clock.advance(120_000);
  expect(looks).toBe(4);
  stop();
  await clock.advance(120_000);
  expect(looks).toBe(4);
});
