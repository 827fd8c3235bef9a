import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "./definition.ts";
import { type Fault, faultyDriver } from "./faulty-driver.ts";
import { UnrecoverableError } from "./job.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { MEMORY_CAPABILITIES } from "./memory/supported.ts";
import { createQueues } from "./queues.ts";

test("a driver without dead letters has them in a queue of their own, whatever fails on the way", async () => {
  const clock = createManualClock();
  const like = { ...MEMORY_CAPABILITIES, deadLetters: false } as const;
  const memory = memoryDriver({ clock, like });
  const faults: Fault[] = ["before", "after", "before"];
  const driver = faultyDriver(memory, (method) =>
    method === "enqueue" && memory.jobs("mail").length > 0 ? (faults.shift() ?? "none") : "none",
  );
  const mail = defineQueue({ name: "mail" });
  const queues = createQueues({ driver, queues: { mail }, emulate: ["deadLetters"], clock });
  const { id } = await queues.mail.add({ to: "ann" });
  queues.worker({
    mail: () => {
      throw new UnrecoverableError("no such address");
    },
  });
  await clock.advance(5_000);
  expect(memory.jobs("mail")).toEqual([]);
  expect(memory.jobs("mail.dead")).toEqual([
    expect.objectContaining({
      id,
      body: '{"to":"ann"}',
      headers: {
        "headroom-dead-reason": "unrecoverable",
        "headroom-dead-error": "UnrecoverableError",
      },
    }),
  ]);
});
