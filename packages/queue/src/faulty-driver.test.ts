import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "./definition.ts";
import { type Fault, faultyDriver } from "./faulty-driver.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { createQueues } from "./queues.ts";

test("a call fails before or after it has its effect, and is counted", async () => {
  const clock = createManualClock();
  const memory = memoryDriver({ clock });
  let fault: Fault = "before";
  const driver = faultyDriver(memory, () => fault);
  await using queues = createQueues({ driver, queues: { q: defineQueue({ name: "q" }) }, clock });
  await expect(queues.q.add(1)).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE" });
  expect(memory.jobs("q")).toHaveLength(0);
  fault = "after";
  await expect(queues.q.add(2)).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE" });
  expect(memory.jobs("q")).toHaveLength(1);
  fault = "none";
  await queues.q.add(3);
  expect(driver.calls).toMatchObject({ enqueue: 3, claim: 0 });
});
