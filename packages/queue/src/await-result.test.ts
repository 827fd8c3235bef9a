import { createManualClock } from "@headroom/core/testing";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineQueue } from "./definition.ts";
import { type Fault, faultyDriver } from "./faulty-driver.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { createQueues } from "./queues.ts";

function setup() {
  const clock = createManualClock();
  const memory = memoryDriver({ clock });
  let deaf = false;
  let fault: Fault = "none";
  const driver = faultyDriver(memory, () => fault);
  const { subscribe } = driver;
  driver.subscribe = (settings, kinds, listener) =>
    subscribe(settings, kinds, (event) => {
      if (!deaf) listener(event);
    });
  const sum = defineQueue({
    name: "sum",
    input: z.array(z.number()),
    output: z.number().transform((n) => `${n}`),
    retry: { attempts: 1 },
  });
  const queues = createQueues({ driver, queues: { sum }, clock });
  const set = (next: { deaf?: boolean; fault?: Fault }): void => {
    deaf = next.deaf ?? deaf;
    fault = next.fault ?? fault;
  };
  return { clock, memory, queues, set };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

test("what the handler returned comes back, as the schema reads it, as soon as it is there", async () => {
  const { clock, queues } = setup();
  queues.worker({ sum: async ({ data }) => sumOf(data) });
  const waiting = queues.sum.addAndWait([1, 2, 3]);
  expectTypeOf(waiting).resolves.toEqualTypeOf<string>();
  await clock.advance(1);
  expect(await waiting).toBe("6");
  await queues.close();
  expect(clock.pending).toBe(0);
});

test("an end whose event is lost is found by looking", async () => {
  const { clock, queues, set } = setup();
  set({ deaf: true });
  queues.worker({ sum: ({ data }) => sumOf(data) });
  const waiting = queues.sum.addAndWait([1, 2]);
  await clock.advance(10_000);
  expect(await waiting).toBe("3");
});

test("a job that was given up or cancelled is an error", async () => {
  const { clock, queues, memory } = setup();
  const cancelled = queues.sum.addAndWait([1]).catch((error) => error);
  await clock.advance(1);
  const [job] = memory.jobs("sum");
  await queues.sum.cancel(job?.id ?? "");
  await clock.advance(1);
  expect(await cancelled).toMatchObject({ code: "QUEUE_JOB_DEAD" });
  queues.worker({
    sum: () => {
      throw new Error("boom");
    },
  });
  const dead = queues.sum.addAndWait([1]).catch((error) => error);
  await clock.advance(1);
  expect(await dead).toMatchObject({
    code: "QUEUE_JOB_DEAD",
    message: expect.stringContaining("attempts-exhausted"),
  });
});

test("it never waits for ever, and who waits may leave", async () => {
  const { clock, queues, memory } = setup();
  const late = queues.sum.addAndWait([1], { timeoutMs: 5_000 }).catch((error) => error);
  const abort = new AbortController();
  const left = queues.sum.addAndWait([1], { signal: abort.signal }).catch((error) => error);
  await clock.advance(10);
  abort.abort("gone");
  await clock.advance(1);
  expect(await left).toBe("gone");
  await clock.advance(5_000);
  expect(await late).toMatchObject({ code: "QUEUE_RESULT_TIMEOUT" });
  expect(memory.jobs("sum")).toHaveLength(2);
  expect(clock.pending).toBe(0);
});

test("a queue that keeps no results has none to wait for", async () => {
  const driver = memoryDriver({ clock: createManualClock() });
  const queues = createQueues({ driver, queues: { q: defineQueue({ name: "q" }) } });
  // @ts-expect-error: there are no results
  const waiting: Promise<unknown> = queues.q.addAndWait(1);
  await expect(waiting).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
});

test("a server that does not answer costs no more than the time given, nor does a job follow", async () => {
  const clock = createManualClock();
  const memory = memoryDriver({ clock });
  let reply = (): void => {};
  const away = new Promise<void>((resolve) => {
    reply = resolve;
  });
  const driver = {
    ...faultyDriver(memory, () => "none"),
    subscribe: () => ({ ready: away, close: async () => {} }),
  };
  const q = defineQueue({ name: "q", results: {} });
  const queues = createQueues({ driver, queues: { q }, clock });
  const late = queues.q.addAndWait(1, { timeoutMs: 2_000 }).catch((error) => error);
  await clock.advance(2_000);
  expect(await late).toMatchObject({
    code: "QUEUE_RESULT_TIMEOUT",
    message: expect.stringContaining("not added"),
  });
  reply();
  await clock.advance(1);
  expect(memory.jobs("q")).toEqual([]);
  await queues.close();
  expect(clock.pending).toBe(0);
});
