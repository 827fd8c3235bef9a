import { lbDiscovery, lbPanic, lbRejected } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { BalancerEvents } from "./balancer-events.ts";

function heard() {
  const all: object[] = [];
  for (const channel of [lbDiscovery, lbPanic, lbRejected]) {
    onTestFinished(channel.subscribe((event: object) => all.push(event)));
  }
  return all;
}

const events = (): BalancerEvents => new BalancerEvents("users", createManualClock({ nowMs: 5 }));

test("tells when a priority begins to panic and when it ends, once each", () => {
  const all = heard();
  const balancer = events();
  balancer.panicking(new Set());
  balancer.panicking(new Set([0, 1]));
  balancer.panicking(new Set([0, 1]));
  balancer.panicking(new Set([1]));
  expect(all).toEqual([
    { pool: "users", priority: 0, panic: true, atMs: 5 },
    { pool: "users", priority: 1, panic: true, atMs: 5 },
    { pool: "users", priority: 0, panic: false, atMs: 5 },
  ]);
});

test("tells what was turned away", () => {
  const all = heard();
  events().rejected("overloaded");
  expect(all).toEqual([{ pool: "users", reason: "overloaded", atMs: 5 }]);
});

test.each([
  [Object.assign(new Error("query failed"), { code: "ESERVFAIL" }), "ESERVFAIL"],
  [new TypeError("targets"), "TypeError"],
  ["a secret text", "unknown"],
])("of a failed discovery it tells the code alone", (error, code) => {
  const all = heard();
  events().discoveryFailed(error);
  expect(all).toEqual([{ pool: "users", code, atMs: 5 }]);
});
