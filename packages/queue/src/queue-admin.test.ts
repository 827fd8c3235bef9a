import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "./definition.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { createQueues } from "./queues.ts";

function setup() {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const q = defineQueue({ name: "q", retry: { attempts: 1 }, results: {} });
  const queues = createQueues({ driver, queues: { q }, clock });
  return { clock, driver, queues, q: queues.q };
}

test("a job can be looked at, with its progress and what it has become", async () => {
  const { clock, queues, q } = setup();
  const { id } = await q.add({ n: 1 });
  expect(await q.find(id)).toMatchObject({ id, state: "ready", data: { n: 1 }, attempts: 0 });
  queues.worker({
    q: async (_, context) => {
      await context.progress({ percent: 50 });
      await clock.sleep(100);
      return { ok: true };
    },
  });
  await clock.advance(1);
  expect(await q.find(id)).toMatchObject({ state: "active", progress: { percent: 50 } });
  await clock.advance(200);
  expect(await q.find(id)).toMatchObject({ state: "done", result: { ok: true } });
  expect(await q.find("nobody")).toBeUndefined();
});

test("the dead are listed by pages, redriven and purged", async () => {
  const { clock, queues, q } = setup();
  let broken = true;
  queues.worker({
    q: () => {
      if (broken) throw new TypeError("boom");
    },
  });
  await q.addMany([1, 2, 3, 4, 5]);
  await clock.advance(1);
  const first = await q.dead.list({ limit: 2 });
  expect(first.jobs).toMatchObject([
    { data: 1, reason: "attempts-exhausted", history: [{ name: "TypeError", message: "boom" }] },
    { data: 2 },
  ]);
  const rest = await q.dead.list({ cursor: first.cursor });
  expect(rest.jobs.map(({ data }) => data)).toEqual([3, 4, 5]);
  broken = false;
  expect(await q.dead.redrive({ ids: [first.jobs[0]?.id ?? ""] })).toBe(1);
  expect(await q.dead.redrive({ limit: 2 })).toBe(2);
  await clock.advance(10_000);
  expect((await q.list("done")).jobs).toHaveLength(3);
  expect(await q.dead.purge()).toBe(2);
  expect(await q.dead.redrive()).toBe(0);
});

test("a paused queue gives nothing until it is resumed", async () => {
  const { clock, queues, q } = setup();
  const worker = queues.worker({ q: () => {} });
  await q.pause();
  await q.add(1);
  await clock.advance(20_000);
  expect(await q.stats()).toMatchObject({ paused: true, ready: 1 });
  await q.resume();
  await clock.advance(6_000);
  expect(worker.stats().done).toBe(1);
});

test("what waits can be purged, what runs cannot", async () => {
  const { q } = setup();
  await q.addMany([1, 2]);
  await q.add(3, { delayMs: 1_000 });
  await expect(q.purge(["active"] as never)).rejects.toThrow("cancel");
  expect(await q.purge()).toBe(3);
  await expect(q.list("ready", { limit: 0 })).rejects.toThrow("limit");
});

test("a state that does not exist is refused, not empty", async () => {
  const { q } = setup();
  await expect(q.list("failed" as never)).rejects.toThrow("state");
  await expect(q.purge(["waiting"] as never)).rejects.toThrow("states");
});
