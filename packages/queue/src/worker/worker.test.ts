import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { type Fault, faultyDriver } from "../faulty-driver.ts";
import type { JobContext } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

function setup(handler: (n: unknown, context: JobContext) => unknown, prefetch = 5) {
  const clock = createManualClock();
  const memory = memoryDriver({ clock });
  let fault: Fault = "none";
  const driver = faultyDriver(memory, () => fault);
  const queues = createQueues({ driver, queues: { q: defineQueue({ name: "q" }) }, clock });
  const start = () =>
    queues.worker(
      { q: ({ data }, context) => handler(data, context) },
      { concurrency: 2, prefetch },
    );
  const states = () => memory.jobs("q").map(({ state, attempts }) => `${state} ${attempts}`);
  const setFault = (next: Fault): void => {
    fault = next;
  };
  return { clock, queues, start, states, setFault };
}

test("prefetched jobs go back at once; those that run may end", async () => {
  const { clock, queues, start, states } = setup((_, context) => clock.sleep(1_000, context));
  await queues.q.addMany([1, 2, 3, 4]);
  const worker = start();
  await clock.advance(10);
  expect(states()).toEqual(["active 1", "active 1", "active 1", "active 1"]);
  const stopping = worker.stop({ softMs: 5_000 });
  await clock.advance(0);
  expect(states()).toEqual(["active 1", "active 1", "ready 0", "ready 0"]);
  await clock.advance(1_000);
  await stopping;
  expect(states()).toEqual(["ready 0", "ready 0"]);
  expect(worker.stats()).toMatchObject({ done: 2, released: 2, running: 0, waiting: 0 });
  expect(clock.pending).toBe(0);
});

test("who does not end softly is told, and goes back with its attempt", async () => {
  const codes: unknown[] = [];
  const { clock, queues, start, states } = setup((_, context) =>
    clock.sleep(60_000, context).catch((error) => {
      codes.push(error.code);
      throw error;
    }),
  );
  await queues.q.addMany([1, 2]);
  const worker = start();
  await clock.advance(10);
  const stopping = worker.stop({ softMs: 1_000, hardMs: 500 });
  await clock.advance(999);
  expect(codes).toEqual([]);
  await clock.advance(1);
  await stopping;
  expect(codes).toEqual(["QUEUE_STOPPING", "QUEUE_STOPPING"]);
  expect(states()).toEqual(["ready 0", "ready 0"]);
});

test("who ends well although it was told has done its job", async () => {
  const { clock, queues, start, states } = setup(async (_, { signal }) => {
    await clock.sleep(60_000, { signal }).catch(() => {});
    return "saved";
  });
  await queues.q.add(1);
  const worker = start();
  await clock.advance(10);
  const stopping = worker.stop({ softMs: 0, hardMs: 500 });
  await clock.advance(1);
  await stopping;
  expect([states(), worker.stats().done]).toEqual([[], 1]);
});

test("who does not listen is given back after hardMs, and its result is dropped", async () => {
  let finish = (): void => {};
  const { clock, queues, start, states } = setup(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await queues.q.add(1);
  const worker = start();
  await clock.advance(10);
  const stopping = worker.stop({ softMs: 100, hardMs: 100 });
  await clock.advance(200);
  await stopping;
  expect(states()).toEqual(["ready 0"]);
  finish();
  await clock.advance(1);
  expect(states()).toEqual(["ready 0"]);
  expect(worker.stats()).toMatchObject({ stuck: 1, lateResults: 1, released: 1 });
});

test("a stop ends although the driver is gone, and is one whoever asks for it", async () => {
  const { clock, queues, start, states, setFault } = setup((_, context) =>
    clock.sleep(60_000, context),
  );
  await queues.q.add(1);
  const worker = start();
  await clock.advance(10);
  setFault("before");
  const stops = [worker.stop({ softMs: 0, hardMs: 0 }), worker.stop(), queues.close()];
  await clock.advance(6_000);
  await Promise.all(stops);
  expect(states()).toEqual(["active 1"]);
  expect(worker.stats()).toMatchObject({ settlementsDropped: 1 });
  expect(worker.health().status).toBe("ok");
  expect(clock.pending).toBe(0);
  await expect(worker.stop({ soft: 1 } as never)).rejects.toThrow("unknown option");
});

test("jobs that a claim brings while the worker stops go back", async () => {
  const { clock, queues, start, states } = setup(() => clock.sleep(1_000));
  await queues.q.addMany([1, 2]);
  const worker = start();
  const stopping = worker.stop();
  await clock.advance(1);
  await stopping;
  expect(states()).toEqual(["ready 0", "ready 0"]);
  expect(worker.stats().released).toBe(2);
});

test("it is disposed of as it is stopped", async () => {
  const { clock, queues, start } = setup(() => {});
  {
    await using worker = start();
    await queues.q.add(1);
    await clock.advance(1);
    expect(worker.stats().done).toBe(1);
  }
  expect(clock.pending).toBe(0);
});
