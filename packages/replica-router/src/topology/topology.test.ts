import { replicaRole } from "@headroom/core/channels";
import { DeadlineExceededError } from "@headroom/core/deadline";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";
import type { Host } from "./host.ts";
import { Topology } from "./topology.ts";

test("changes of roles are told, and one below a timeline that was seen gets none", async () => {
  const told: string[] = [];
  onTestFinished(replicaRole.subscribe(({ node, from, to }) => told.push(`${node} ${from} ${to}`)));
  const { server, clock } = await routedServers();
  expect(told.sort()).toEqual(["a unknown primary", "b unknown replica", "c unknown replica"]);
  told.length = 0;
  Object.assign(server("b"), { isStandby: false, timeline: 2, lsn: 0x2000n });
  await clock.advance(1100);
  expect(told.sort()).toEqual(["a primary unknown", "b replica primary"]);
});

test("a silent server's reads are cut at once, the rest when it has been silent for long", async () => {
  const clock = createManualClock();
  const topology = new Topology({ name: "db", clock, hungMs: 1000 });
  const cuts: string[] = [];
  const host = {
    name: "a",
    role: "unknown",
    failedLooks: 0,
    silentSinceMs: 0,
    outages: 0,
    note: () => false,
    connections: { cut: (what: string) => cuts.push(what) },
  } as unknown as Host;
  topology.replace([host]);
  const silence = new DeadlineExceededError("a look", 100);
  topology.unreachable(host, silence);
  await clock.advance(999);
  topology.unreachable(host, silence);
  await clock.advance(1);
  topology.unreachable(host, silence);
  expect(cuts).toEqual(["reads", "reads", "everything"]);
});

test("who waits for a change goes on at the latest at his deadline", async () => {
  const clock = createManualClock();
  const topology = new Topology({ name: "db", clock, hungMs: 1000 });
  let isOver = false;
  void topology.changed(clock.monotonicNow() + 100).then(() => {
    isOver = true;
  });
  await clock.advance(99);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
});
