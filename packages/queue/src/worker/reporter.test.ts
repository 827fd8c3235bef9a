import {
  type QueueDead,
  type QueueDegraded,
  queueDead,
  queueDegraded,
} from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test, vi } from "vitest";
import { driverFailed, QueueError } from "../errors.ts";
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
    { ...common, jobs: 1, reason: "lease-lost", code: undefined },
    { ...common, jobs: 3, reason: "recovered", code: undefined },
    { ...common, name: "mail", attempts: 5, reason: "timeout" },
  ]);
});

test("of what failed the cause's code is told, else its own", () => {
  const reporter = new Reporter("photos", "postgresql", createManualClock());
  const codes: (string | undefined)[] = [];
  const end = queueDegraded.subscribe(({ code }) => codes.push(code));
  const forbidden = Object.assign(new Error("permission denied"), { code: "42501" });
  reporter.failed("claim-failed", driverFailed("photos", "postgresql", forbidden));
  reporter.failed("claim-failed", driverFailed("photos", "postgresql", new Error("?")));
  reporter.failed("claim-failed", "?");
  end();
  expect(codes).toEqual(["42501", "QUEUE_UNAVAILABLE", undefined]);
});

test("what no waiting mends is a warning, once", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const reporter = new Reporter("photos", "redis", createManualClock());
  reporter.failed("claim-failed", driverFailed("photos", "redis", new Error("refused")));
  expect(warn).not.toHaveBeenCalled();
  for (let time = 0; time < 2; time++) {
    reporter.failed("claim-failed", new QueueError("QUEUE_EVICTING", "photos", "it evicts"));
  }
  const said = { type: "HeadroomWarning", code: "QUEUE_EVICTING" };
  expect(warn.mock.calls).toEqual([["a worker cannot work: it evicts", said]]);
  warn.mockRestore();
});
