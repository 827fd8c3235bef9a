import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Host } from "../topology/host.ts";
import { LagHistory } from "../wal/lag-history.ts";
import { type RouteDecision, RouteLog } from "./route-log.ts";

const host = (name: string, role: string) =>
  ({ name, role, observation: { lsn: 100n, isStandby: true } }) as unknown as Host;

test("each decision is told, with how far behind a replica is, and counted by kind, role and reason", () => {
  const told: RouteDecision[] = [];
  const lag = new LagHistory();
  lag.note(100n, 0);
  lag.note(200n, 0);
  const clock = createManualClock();
  const log = new RouteLog({ name: "db", clock, lag, onRoute: (route) => told.push(route) });
  log.note({ host: host("r1", "replica"), kind: "read", reason: "read", waitedMs: 3 });
  log.note({ host: host("r2", "replica"), kind: "read", reason: "read", waitedMs: 0 });
  log.note({ host: host("p", "primary"), kind: "write", reason: "volatile", waitedMs: 0 });
  expect(told[0]).toMatchObject({
    pool: "db",
    node: "r1",
    role: "replica",
    reason: "read",
    waitedMs: 3,
  });
  expect(told[2]?.lagMs).toBeUndefined();
  expect(log.counts).toEqual({ "read/replica/read": 2, "write/primary/volatile": 1 });
});

test("a listener that throws is a warning, and nobody's error", () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const onRoute = (): void => {
    throw new Error("typo");
  };
  const log = new RouteLog({
    name: "db",
    clock: createManualClock(),
    lag: new LagHistory(),
    onRoute,
  });
  log.note({ host: host("p", "primary"), kind: "write", reason: "write", waitedMs: 0 });
  expect(warned).toHaveBeenCalled();
  expect(log.counts).toEqual({ "write/primary/write": 1 });
});
