import { createManualClock } from "@headroom/core/testing";
import { beforeEach, expect, test } from "vitest";
import type { NewJob, ParentRef, QueueSettings, Verdict } from "../driver.ts";
import type { ChildOutcome } from "../driver-powers.ts";
import { type MemoryDriver, memoryDriver } from "../memory/memory-driver.ts";
import { HeldParents } from "./held-parents.ts";
import { QueueDirectory } from "./queue-directory.ts";

let driver: MemoryDriver;
let directory: QueueDirectory;
let crops: QueueSettings;
let albums: QueueSettings;
let held: HeldParents;

beforeEach(() => {
  driver = memoryDriver({ clock: createManualClock() });
  const parts = { name: undefined, driver, queues: new Map(), links: () => [] };
  directory = new QueueDirectory(parts);
  const kept = { ms: 1e9, count: 100 };
  crops = { ...directory.place("crops").settings, retention: { done: kept, dead: kept } };
  albums = directory.place("albums").settings;
  held = new HeldParents(directory.place("albums"));
});

function job(id: string, parent?: ParentRef): NewJob {
  return {
    id,
    mayExist: false,
    name: "q",
    body: "1",
    headers: {},
    delayMs: 0,
    priority: 0,
    maxAttempts: 1,
    key: undefined,
    dedup: undefined,
    parent,
  };
}

async function addFamily(children: readonly string[], id = "album"): Promise<void> {
  await driver.enqueue(
    crops,
    children.map((child) => job(child, { queue: "albums", id })),
  );
  await driver.flows?.hold(
    albums,
    job(id),
    children.map((child) => ({ queue: "crops", id: child })),
    { childDead: "continue" },
  );
}

async function outcomes(id = "album"): Promise<(ChildOutcome | undefined)[]> {
  const children = (await driver.flows?.children(albums, id)) ?? [];
  return children.map(({ outcome }) => outcome);
}

test("what has become of the children is found, whatever it is, and told once", async () => {
  await addFamily(["done", "dead", "cancelled", "gone", "waits"]);
  const { jobs } = await driver.claim(crops, { limit: 2, leaseMs: 1_000 });
  const verdicts: Verdict[] = [
    { kind: "done", result: "7" },
    { kind: "dead", reason: "timeout", failure: undefined },
  ];
  await driver.settle(
    crops,
    jobs.map((claimed, at) => ({ job: claimed, verdict: verdicts[at] ?? verdicts[0] })) as never,
  );
  await driver.admin?.cancel(crops, "cancelled");
  await driver.admin?.cancel(crops, "gone");
  expect(await held.look()).toBe(4);
  expect(await outcomes()).toEqual([
    { kind: "done", result: "7" },
    { kind: "dead", reason: "timeout" },
    { kind: "dead", reason: "cancelled" },
    { kind: "dead", reason: "cancelled" },
    undefined,
  ]);
  expect(await held.look()).toBe(0);
});

test("a child that was done and reported while it was looked for is not called cancelled", async () => {
  await addFamily(["a"]);
  const { admin, flows } = driver;
  if (admin === undefined || flows === undefined) throw new Error("the memory driver has all");
  const racing = {
    ...driver,
    name: "memory",
    capabilities: driver.capabilities,
    flows,
    admin: {
      ...admin,
      async find(settings: QueueSettings, id: string) {
        await flows.report(albums, "album", { queue: "crops", id: "a" }, DONE);
        await admin.cancel(crops, "a");
        await admin.purge(crops, ["cancelled"]);
        return admin.find(settings, id);
      },
    },
  };
  const parts = { name: undefined, driver: racing, queues: new Map(), links: () => [] };
  const racingHeld = new HeldParents(new QueueDirectory(parts).place("albums"));
  await racingHeld.look();
  expect(await outcomes()).toEqual([DONE]);
});

const DONE: ChildOutcome = { kind: "done", result: undefined };

test("many parents are looked through in several rounds, then from the start", async () => {
  for (let at = 0; at < 45; at++) await addFamily([`c${at}`], `p${at}`);
  for (let at = 0; at < 45; at++) await driver.admin?.cancel(crops, `c${at}`);
  const reported = [await held.look(), await held.look(), await held.look()];
  expect(Math.max(...reported)).toBeLessThanOrEqual(20);
  for (let round = 0; round < 3; round++) await held.look();
  expect((await driver.stats(albums)).held).toBe(0);
});

test("a driver that cannot look has nothing to look for", async () => {
  const { admin: _admin, ...blind } = { ...driver };
  const parts = {
    name: undefined,
    driver: { ...blind, name: "memory", capabilities: driver.capabilities },
    queues: new Map(),
    links: () => [],
  };
  expect(await new HeldParents(new QueueDirectory(parts).place("albums")).look()).toBe(0);
});
