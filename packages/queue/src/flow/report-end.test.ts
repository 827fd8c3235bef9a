import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { NewJob } from "../driver.ts";
import { type MemoryDriver, memoryDriver } from "../memory/memory-driver.ts";
import { QueueDirectory } from "./queue-directory.ts";
import { outcomeOfVerdict, reportEnd } from "./report-end.ts";

function job(id: string, parent?: NewJob["parent"]): NewJob {
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

function open(driver: MemoryDriver = memoryDriver({ clock: createManualClock() })) {
  const parts = { name: undefined, driver, queues: new Map(), links: () => [] };
  return { driver, directory: new QueueDirectory(parts) };
}

const state = (driver: MemoryDriver, queue: string) =>
  driver.jobs(queue).map((record) => [record.id, record.state, record.reason]);

test("only ends are told", () => {
  expect(outcomeOfVerdict({ kind: "done", result: "1" })).toEqual({ kind: "done", result: "1" });
  const failure = { name: "Error", message: "" };
  expect(outcomeOfVerdict({ kind: "dead", reason: "timeout", failure })).toEqual({
    kind: "dead",
    reason: "timeout",
  });
  expect(outcomeOfVerdict({ kind: "retry", delayMs: 0, failure })).toBeUndefined();
  expect(outcomeOfVerdict({ kind: "release", delayMs: 0 })).toBeUndefined();
});

test("a family of four generations dies from below, each told by the one under it", async () => {
  const { driver, directory } = open();
  const place = (queue: string) => directory.place(queue);
  const options = { childDead: "fail" } as const;
  const { flows } = driver;
  await flows?.hold(place("a").settings, job("1"), [{ queue: "b", id: "2" }], options);
  const above = (queue: string, id: string) => ({ queue, id });
  await flows?.hold(place("b").settings, job("2", above("a", "1")), [above("c", "3")], options);
  await flows?.hold(place("c").settings, job("3", above("b", "2")), [above("d", "4")], options);
  const child = { id: "4", parent: above("c", "3") };
  for (const _twice of [1, 2]) {
    await reportEnd(place("d"), child, { kind: "dead", reason: "timeout" });
  }
  expect(["a", "b", "c"].flatMap((queue) => state(driver, queue))).toEqual([
    ["1", "dead", "child-dead"],
    ["2", "dead", "child-dead"],
    ["3", "dead", "child-dead"],
  ]);
});

test("one whose parent does not mind stops there", async () => {
  const { driver, directory } = open();
  const settings = directory.place("a").settings;
  const options = { childDead: "continue" } as const;
  await driver.flows?.hold(settings, job("1"), [{ queue: "b", id: "2" }], options);
  const child = { id: "2", parent: { queue: "a", id: "1" } };
  await reportEnd(directory.place("b"), child, { kind: "dead", reason: "timeout" });
  expect(state(driver, "a")).toEqual([["1", "ready", undefined]]);
});

test("a parent on a server that is not known here cannot be told, and that is said", async () => {
  const { directory } = open();
  const child = { id: "2", parent: { queue: "media/a", id: "1" } };
  const telling = reportEnd(directory.place("b"), child, { kind: "done", result: undefined });
  await expect(telling).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
});

test("a job without a parent is nobody's business", async () => {
  const { directory } = open();
  const child = { id: "2", parent: undefined };
  await reportEnd(directory.place("b"), child, { kind: "done", result: undefined });
});
