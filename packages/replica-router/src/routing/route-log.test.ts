import { replicaRoute } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { LagHistory } from "../wal/lag-history.ts";
import { type RouteDecision, RouteLog } from "./route-log.ts";

function start(onRoute?: (route: RouteDecision) => void) {
  const lag = new LagHistory();
  lag.note(100n, -500);
  lag.note(200n, 0);
  const log = new RouteLog({ name: "db", clock: createManualClock(), lag, onRoute });
  const replica = { name: "a", role: "replica", observation: { lsn: 100n } } as Host;
  const primary = { name: "p", role: "primary", observation: { lsn: 200n } } as Host;
  return { log, replica, primary };
}

test("what was decided is counted by kind, role and reason", () => {
  const { log, replica, primary } = start();
  for (let n = 0; n < 3; n++) {
    log.note({ host: replica, kind: "read", reason: "read", waitedMs: 0 });
  }
  log.note({ host: primary, kind: "read", reason: "token-behind", waitedMs: 7 });
  expect(log.counts).toEqual({ "read/replica/read": 3, "read/primary/token-behind": 1 });
});

test("and told, with how old the replica's data is", () => {
  const told: RouteDecision[] = [];
  const { log, replica, primary } = start((route) => told.push(route));
  log.note({ host: replica, kind: "read", reason: "read", waitedMs: 0 });
  log.note({ host: primary, kind: "write", reason: "write", waitedMs: 0 });
  expect(told).toEqual([
    {
      pool: "db",
      node: "a",
      role: "replica",
      kind: "read",
      reason: "read",
      lagMs: 500,
      waitedMs: 0,
    },
    {
      pool: "db",
      node: "p",
      role: "primary",
      kind: "write",
      reason: "write",
      lagMs: undefined,
      waitedMs: 0,
    },
  ]);
});

test("who listens to the channel is told as well", () => {
  const { log, primary } = start();
  const heard: unknown[] = [];
  const stop = replicaRoute.subscribe((route) => heard.push(route));
  log.note({ host: primary, kind: "read", reason: "no-replica", waitedMs: 0 });
  stop();
  log.note({ host: primary, kind: "read", reason: "no-replica", waitedMs: 0 });
  expect(heard).toMatchObject([{ node: "p", reason: "no-replica", atMs: Date.UTC(2026, 0) }]);
});

test("an onRoute that throws ends nothing", () => {
  const { log, primary } = start(() => {
    throw new Error("mine");
  });
  log.note({ host: primary, kind: "read", reason: "no-replica", waitedMs: 0 });
  expect(log.counts).toEqual({ "read/primary/no-replica": 1 });
});
