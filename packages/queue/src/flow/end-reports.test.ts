import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { ClaimedJob, Verdict } from "../driver.ts";
import type { Flows } from "../driver-powers.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { EndReports } from "./end-reports.ts";
import { QueueDirectory } from "./queue-directory.ts";

const DONE: Verdict = { kind: "done", result: "1" };

function claimed(parent: ClaimedJob["parent"]): ClaimedJob {
  return {
    id: "2",
    token: "2:1:x",
    name: "crops",
    body: "1",
    headers: {},
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    key: undefined,
    dedup: undefined,
    parent,
    addedAtMs: 0,
    waitedMs: 0,
  };
}

const CHILD = claimed({ queue: "albums", id: "1" });

/** A server that fails so many times before it hears. */
function setup(failures: number): { clock: ManualClock; reports: EndReports; heard: unknown[] } {
  const clock = createManualClock();
  const heard: unknown[] = [];
  let left = failures;
  const driver = memoryDriver({ clock });
  const flows: Flows = {
    hold: () => Promise.reject(new Error("not asked")),
    children: () => Promise.reject(new Error("not asked")),
    async report(_queue, parentId, child, outcome) {
      if (left-- > 0) throw new Error("away");
      heard.push([parentId, child, outcome]);
    },
  };
  const directory = new QueueDirectory({
    name: undefined,
    driver: { ...driver, name: "memory", capabilities: driver.capabilities, flows },
    queues: new Map(),
    links: () => [],
  });
  return { clock, heard, reports: new EndReports(directory.place("crops"), clock, () => 0.5) };
}

test("an end is told before it is settled; what is no end, or of no family, is not held up", async () => {
  const { reports, heard } = setup(0);
  expect(await reports.tell(CHILD, DONE, 1_000)).toBe(true);
  expect(heard).toEqual([["1", { queue: "crops", id: "2" }, { kind: "done", result: "1" }]]);
  expect(reports.tell(CHILD, { kind: "release", delayMs: 0 }, 1_000)).toBeUndefined();
  expect(reports.tell(claimed(undefined), DONE, 1_000)).toBeUndefined();
});

test("a server that is away is asked for as long as the lease lasts", async () => {
  const { clock, reports, heard } = setup(4);
  const telling = reports.tell(CHILD, DONE, 15_000);
  await clock.advance(15_000);
  expect(await telling).toBe(true);
  expect(heard).toHaveLength(1);
});

test("and no longer", async () => {
  const { clock, reports, heard } = setup(1_000);
  const telling = reports.tell(CHILD, DONE, 5_000);
  await clock.advance(5_000);
  expect(await telling).toBe(false);
  expect(heard).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a worker that closes does not wait for it", async () => {
  const { clock, reports } = setup(1_000);
  const telling = reports.tell(CHILD, DONE, 1e9);
  await clock.advance(100);
  reports.close();
  expect(await telling).toBe(false);
  expect(clock.pending).toBe(0);
});

test("what a sweep found dead is told, once", async () => {
  const { clock, reports, heard } = setup(0);
  const dead = [
    { id: "2", name: "crops", attempts: 1, parent: CHILD.parent },
    { id: "3", name: "crops", attempts: 1, parent: undefined },
  ];
  reports.swept({ recovered: 0, dead });
  await clock.advance(0);
  expect(heard).toEqual([
    ["1", { queue: "crops", id: "2" }, { kind: "dead", reason: "lease-expired" }],
  ]);
});
