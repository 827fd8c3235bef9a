import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { KeepAlive } from "../keep-alive.ts";
import type { Job } from "./job.ts";
import type { Route, RouteReason } from "./route-log.ts";
import type { Seat } from "./seat.ts";
import { Seats, type SeatsParts } from "./seats.ts";

/** The primary with one connection, which is always at hand. */
function primaryAlone() {
  const asked: unknown[] = [];
  const noted: Route[] = [];
  const lease = {
    client: {},
    isIdle: true,
    settled: async () => {},
    run: async (text: string) => {
      asked.push(text);
      return { rows: [{ standby: false, timeline: 1 }] };
    },
  };
  let inUse = 0;
  const host = {
    name: "a",
    role: "primary",
    outages: 0,
    take: () => {
      inUse++;
      return lease;
    },
    acquire: async () => {
      inUse++;
      return lease;
    },
    release: () => inUse--,
  } as unknown as Route["host"];
  const seats = new Seats({
    settings: { name: "db", engine: "postgresql", mostStandIns: 1 },
    topology: { primary: host, cluster: { highestTimeline: 1 } },
    monitor: { busy: () => {} },
    choice: { choose: () => route("no-replica") },
    log: { note: (route: Route) => noted.push(route) },
    clock: createManualClock(),
    keepAlive: new KeepAlive(),
  } as unknown as SeatsParts);
  const route = (reason: RouteReason): Route => ({ host, kind: "read", reason, waitedMs: 0 });
  const job = { statement: { kind: "read" } } as Job;
  const request = { job, use: "read", deadlineMs: 1000, tried: undefined } as const;
  return { seats, lease, asked, noted, job, route, request, inUse: () => inUse };
}

test("a new connection to the primary is asked who it is, before it is used at hand", async () => {
  const { seats, asked, noted, job, route, request, inUse } = primaryAlone();
  expect(seats.atHand(job, route("write"), "write")).toBeUndefined();
  expect([inUse(), noted]).toEqual([0, []]);
  await seats.giveBack(await seats.primary(request, "write"));
  expect(asked).toHaveLength(1);
  expect(seats.atHand(job, route("write"), "write")).toMatchObject({ reason: "write" });
  expect([asked.length, noted.length, inUse()]).toEqual([1, 2, 1]);
});

test("the primary stands in for its share, at hand and after a wait", async () => {
  const { seats, job, route, request } = primaryAlone();
  await seats.giveBack(await seats.primary(request, "write"));
  const first = seats.atHand(job, route("no-replica"), "read");
  expect(first).toMatchObject({ isStandIn: true });
  expect(seats.atHand(job, route("no-replica"), "read")).toBeUndefined();
  await expect(seats.reader(request)).rejects.toMatchObject({ code: "REPLICA_OVERLOADED" });
  expect(seats.giveBack(first as Seat)).toBeUndefined();
  expect(await seats.reader(request)).toMatchObject({ isStandIn: true });
});

test("a transaction that nobody has ended is rolled back", async () => {
  const { seats, lease, asked, request, inUse } = primaryAlone();
  const seat = await seats.primary(request, "write");
  lease.isIdle = false;
  await seats.giveBack(seat);
  expect(asked.at(-1)).toBe("ROLLBACK");
  expect([seats.counts.leakedTransactions, inUse()]).toEqual([1, 0]);
});
