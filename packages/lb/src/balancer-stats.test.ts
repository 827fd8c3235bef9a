import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { createBalancer } from "./balancer.ts";
import { SUCCESS } from "./outcome.ts";

test("everything that is known, as plain data, in the order of priorities and ids", async () => {
  const clock = createManualClock();
  const balancer = createBalancer({
    name: "users",
    targets: [
      { id: "spare", target: 3, priority: 1 },
      { id: "b", target: 2, weight: 2, zone: "north" },
      { id: "a", target: 1 },
    ],
    clock,
    random: () => 0,
  });
  await clock.advance(10_000);
  balancer.pick({ prefer: "b" }).done(SUCCESS, 12);
  balancer.pick({ prefer: "a" });
  const stats = balancer.stats();
  expect(JSON.parse(JSON.stringify(stats))).toMatchObject({
    name: "users",
    inFlight: 1,
    queued: 0,
    panickingPriorities: [],
    targets: [
      { id: "a", status: "healthy", inFlight: 1, requests: 1, failures: 0, weight: 1, share: 1 },
      { id: "b", zone: "north", weight: 2, latencyMs: 12, inFlight: 0, requests: 1 },
      { id: "spare", priority: 1, requests: 0, failsChecks: false },
    ],
  });
  expect(stats.targets).toHaveLength(3);
});
