import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineQueue } from "../definition.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

const HOUR_MS = 3_600_000;

const reports = defineQueue({ name: "reports", input: z.object({ day: z.string() }) });

/** A server and two processes that have the queue. */
function setup() {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const open = () =>
    createQueues({
      driver: memoryDriver({ shared: driver.server }),
      queues: { reports },
      clock,
    });
  return { clock, driver, one: open(), two: open() };
}

test("both processes have the schedule, and there is one job a tick, with its data and headers", async () => {
  const { clock, driver, one, two } = setup();
  for (const queues of [one, two]) {
    await queues.reports.schedule("nightly", {
      cron: "0 3 * * *",
      timeZone: "Europe/Berlin",
      data: ({ atMs }) => ({ day: new Date(atMs).toISOString().slice(0, 10) }),
      headers: { from: "cron" },
      priority: 2,
    });
  }
  await clock.advance(48 * HOUR_MS);
  expect(driver.jobs("reports")).toMatchObject([
    {
      body: '{"day":"2026-01-01"}',
      priority: 2,
      headers: {
        from: "cron",
        schedule: "nightly",
        "scheduled-at": "2026-01-01T02:00:00.000Z",
      },
    },
    { body: '{"day":"2026-01-02"}' },
  ]);
  await one.reports.unschedule("nightly");
  await two.close();
  await clock.advance(48 * HOUR_MS);
  expect(driver.jobs("reports")).toHaveLength(2);
  await one.close();
});

test("what is wrong is found when it is given", async () => {
  const { one } = setup();
  const data = { day: "1" };
  const { reports: queue } = one;
  await expect(queue.schedule("a", { cron: "61 * * * *", data })).rejects.toThrow(/cron must be/);
  await expect(
    queue.schedule("a", { cron: "1 * * * *", timeZone: "Nowhere", data }),
  ).rejects.toThrow(/timeZone must be/);
  await expect(
    queue.schedule("a", { everyMs: 1_000, data: { day: 1 } as never }),
  ).rejects.toMatchObject({ code: "QUEUE_INVALID" });
  await one.close();
  await expect(queue.schedule("a", { everyMs: 1_000, data })).rejects.toMatchObject({
    code: "QUEUE_CLOSED",
  });
});

test("a driver without schedules does not have them in its type, and says so", async () => {
  const driver = memoryDriver({
    like: { ...memoryDriver().capabilities, schedules: false } as const,
  });
  await using queues = createQueues({ driver, queues: { reports } });
  const { reports: queue } = queues;
  // @ts-expect-error there is no schedule
  const scheduling: Promise<void> = queue.schedule("a", { everyMs: 1_000, data: { day: "1" } });
  await expect(scheduling).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
});
