import {
  type QueueDead,
  type QueueDegraded,
  queueDead,
  queueDegraded,
} from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Reporter } from "./reporter.ts";

test("ends and mishaps are counted and told, without anything of a job in it", () => {
  const clock = createManualClock({ nowMs: 5 });
  const reporter = new Reporter("photos", "memory", clock);
  const told: (QueueDead | QueueDegraded)[] = [];
  const ends = [queueDead, queueDegraded].map((channel) =>
    channel.subscribe((event) => told.push(event)),
  );
  reporter.ended({ kind: "done", result: undefined });
  reporter.ended({ kind: "release", delayMs: 0 });
  reporter.degraded("lease-lost");
  reporter.degraded("recovered", 3);
  reporter.dead("mail", 5, "timeout");
  for (const end of ends) end();
  expect(reporter.counts).toEqual({
    done: 1,
    retried: 0,
    released: 1,
    dead: 0,
    leaseLost: 1,
    lateResults: 0,
    stuck: 0,
    settlementsDropped: 0,
  });
  const common = { queue: "photos", system: "memory", atMs: 5 };
  expect(told).toEqual([
    { ...common, jobs: 1, reason: "lease-lost" },
    { ...common, jobs: 3, reason: "recovered" },
    { ...common, name: "mail", attempts: 5, reason: "timeout" },
  ]);
});
