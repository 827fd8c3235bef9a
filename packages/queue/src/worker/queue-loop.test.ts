import { type QueueProcess, queueDead, queueDegraded, queueProcess } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { type DefinitionOptions, defineQueue } from "../definition.ts";
import type { ClaimedJob } from "../driver.ts";
import { type Fault, type FaultyMethod, faultyDriver } from "../faulty-driver.ts";
import {
  type JobContext,
  type JobMiddleware,
  RetryAfterError,
  UnrecoverableError,
} from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

const LEASE_MS = 15_000;

interface SetupOptions extends Partial<Omit<DefinitionOptions, "key" | "dedup" | "limits">> {
  readonly middleware?: readonly JobMiddleware[];
  readonly decide?: (method: FaultyMethod) => Fault;
}

function setup({ middleware, decide = () => "none", ...definition }: SetupOptions = {}) {
  const clock = createManualClock();
  const memory = memoryDriver({ clock });
  const driver = faultyDriver(memory, decide);
  const { name = "q", ...rest } = definition;
  const q = defineQueue<unknown>({ retry: { attempts: 3 }, ...(rest as object), name });
  const queues = createQueues({ driver, queues: { q }, clock, middleware });
  const one = () => memory.jobs(name)[0];
  return { clock, memory, driver, queues, one };
}

const hang = (): Promise<never> => new Promise(() => {});

test("an attempt that takes too long has failed, whatever its handler returns then", async () => {
  const { clock, queues, one } = setup({ timeoutMs: 1_000, retry: { attempts: 1 } });
  const codes: unknown[] = [];
  const worker = queues.worker({
    q: async (_, context) => {
      await clock.sleep(2_000, context).catch((error) => codes.push(error.code));
      return "late";
    },
  });
  await queues.q.add(1);
  await clock.advance(999);
  expect(one()?.state).toBe("active");
  await clock.advance(1);
  expect(codes).toEqual(["QUEUE_TIMEOUT"]);
  expect(one()).toMatchObject({ state: "dead", reason: "timeout" });
  expect(worker.stats()).toMatchObject({ dead: 1, done: 0, running: 0 });
});

test("a handler that ignores its signal loses its place, and its late result", async () => {
  const { clock, queues, memory } = setup({ timeoutMs: 1_000, retry: { attempts: 2 } });
  const finish: (() => void)[] = [];
  const worker = queues.worker(
    { q: ({ data }) => (data === "stuck" ? new Promise<void>((end) => finish.push(end)) : "ok") },
    { concurrency: 1, prefetch: 0 },
  );
  await queues.q.add("stuck");
  await clock.advance(1);
  await queues.q.add("next");
  await clock.advance(1_500);
  expect(memory.jobs("q")).toHaveLength(2);
  await clock.advance(5_000);
  expect(memory.jobs("q").map(({ body }) => body)).toEqual(['"stuck"']);
  expect(worker.stats()).toMatchObject({ stuck: 1, retried: 1, done: 1 });
  finish[0]?.();
  await clock.advance(1);
  expect(worker.stats()).toMatchObject({ lateResults: 1, done: 1 });
});

test("a job that runs longer than its lease keeps it", async () => {
  const { clock, queues, one, driver } = setup();
  let runs = 0;
  queues.worker({
    q: async (_, context) => {
      runs += 1;
      await clock.sleep(4 * LEASE_MS, context);
    },
  });
  await queues.q.add(1);
  await clock.advance(5 * LEASE_MS);
  expect([runs, one()]).toEqual([1, undefined]);
  expect(driver.calls.extend).toBeGreaterThan(4);
});

test("a lost lease aborts the handler, and nothing is told of the job", async () => {
  let broken = false;
  const { clock, queues, memory, driver } = setup({ decide: () => (broken ? "before" : "none") });
  const seen: unknown[] = [];
  const worker = queues.worker({
    q: async ({ attempt }, context) => {
      if (attempt > 1) return;
      broken = true;
      await clock
        .sleep(60_000, context)
        .catch((error) => seen.push(error.code, clock.monotonicNow()));
    },
  });
  await queues.q.add(1);
  await clock.advance(30_000);
  expect(seen).toEqual(["QUEUE_LEASE_LOST", LEASE_MS]);
  expect(worker.stats()).toMatchObject({ leaseLost: 1, lateResults: 1, done: 0 });
  expect(worker.health().status).toBe("ok");
  await clock.advance(30_000);
  expect(worker.health().status).toBe("stale");
  broken = false;
  await clock.advance(2_000);
  expect(memory.jobs("q")).toEqual([]);
  expect(worker.health().status).toBe("ok");
  expect(driver.calls.settle).toBe(1);
});

test("a cancelled job is told at once", async () => {
  const { clock, queues } = setup();
  const seen: unknown[] = [];
  const worker = queues.worker({
    q: (_, context) => clock.sleep(60_000, context).catch((error) => seen.push(error.code)),
  });
  const { id } = await queues.q.add(1);
  await clock.advance(10);
  expect(await queues.q.cancel(id)).toBe(true);
  await clock.advance(1);
  expect(seen).toEqual(["QUEUE_CANCELLED"]);
  expect(worker.stats()).toMatchObject({ done: 0, leaseLost: 0, running: 0 });
});

test("data that do not fit are dead at once, as is what only a handler knows to be hopeless", async () => {
  const input = z.object({ n: z.number() }) as never;
  const { clock, queues, memory, driver } = setup({ input });
  const reasons: string[] = [];
  const unsubscribe = queueDead.subscribe(({ reason, name }) => reasons.push(`${name}:${reason}`));
  queues.worker({
    q: ({ attempt }) => {
      if (attempt === 1) throw new RetryAfterError(50);
      throw new UnrecoverableError("no");
    },
  });
  const settings = EMPTY_SETTINGS;
  await driver.enqueue(settings, [newJob("bad", '{"n":"x"}'), newJob("worse", '{"__proto__":1}')]);
  await queues.q.add({ n: 1 });
  await clock.advance(100);
  unsubscribe();
  expect(reasons).toEqual(["q:invalid", "q:invalid", "q:unrecoverable"]);
  expect(memory.jobs("q").map(({ state, attempts }) => [state, attempts])).toEqual([
    ["dead", 1],
    ["dead", 1],
    ["dead", 2],
  ]);
});

test("a name that nobody here knows goes back, with its attempt, for others", async () => {
  const { clock, queues, memory, driver } = setup();
  queues.worker({ q: () => {} });
  await driver.enqueue(EMPTY_SETTINGS, [{ ...newJob("a", "1"), name: "newer" }]);
  await clock.advance(60_000);
  expect(memory.jobs("q")[0]).toMatchObject({ attempts: 0 });
  await clock.advance(3_600_000);
  expect(memory.jobs("q")[0]).toMatchObject({ state: "dead", reason: "unknown-name" });
});

test("a rate of the worker's holds", async () => {
  const { clock, queues } = setup();
  const at: number[] = [];
  queues.worker(
    { q: () => void at.push(clock.monotonicNow()) },
    { rate: { jobs: 2, perMs: 1_000 }, concurrency: 50 },
  );
  await queues.q.addMany([1, 2, 3, 4, 5]);
  await clock.advance(10_000);
  expect(at).toEqual([0, 0, 500, 1_000, 1_500]);
});

test("ends of one moment are told together, in the trip that fetches the next", async () => {
  const { clock, queues, driver } = setup();
  await queues.q.addMany(Array.from({ length: 40 }, (_, at) => at));
  const worker = queues.worker({ q: async () => {} }, { concurrency: 20, prefetch: 0 });
  await clock.advance(0);
  expect(worker.stats().done).toBe(40);
  expect(driver.calls.claim + driver.calls.settle).toBeLessThanOrEqual(8);
});

test("work is resumed within two seconds after the driver is back, and ends are kept for it", async () => {
  let broken = false;
  const { clock, queues, memory } = setup({ decide: () => (broken ? "before" : "none") });
  const events: string[] = [];
  const unsubscribe = queueDegraded.subscribe(({ reason }) => events.push(reason));
  let runs = 0;
  const worker = queues.worker({
    q: async () => {
      runs += 1;
      await clock.sleep(1_000);
    },
  });
  await queues.q.addMany([1, 2]);
  await clock.advance(10);
  broken = true;
  await clock.advance(10_000);
  expect(memory.jobs("q")).toHaveLength(2);
  broken = false;
  await clock.advance(2_000);
  unsubscribe();
  expect([memory.jobs("q"), runs]).toEqual([[], 2]);
  expect(worker.stats()).toMatchObject({ done: 2, settlementsDropped: 0 });
  expect(events).toContain("settle-failed");
});

test("an answer that was lost is no lost lease", async () => {
  let lose = true;
  const { clock, queues, memory } = setup({
    decide: (method) => {
      if (method !== "settle" || !lose) return "none";
      lose = false;
      return "after";
    },
  });
  const worker = queues.worker({ q: () => {} });
  await queues.q.add(1);
  await clock.advance(3_000);
  expect(memory.jobs("q")).toEqual([]);
  expect(worker.stats()).toMatchObject({ leaseLost: 0, done: 1 });
});

test("middleware is around the handler; an operation tells its outcome", async () => {
  const order: string[] = [];
  const middleware: JobMiddleware = async (job, _, next) => {
    order.push(`before ${job.attempt}`);
    try {
      return await next();
    } finally {
      order.push(`after ${job.attempt}`);
    }
  };
  const { clock, queues } = setup({ middleware: [middleware], retry: { attempts: 2 } });
  const told: QueueProcess[] = [];
  const unsubscribe = queueProcess.subscribe({ asyncEnd: (event) => told.push({ ...event }) });
  queues.worker({
    q: ({ attempt }) => {
      if (attempt === 1) throw new Error("once");
    },
  });
  await queues.q.add(1);
  await clock.advance(5_000);
  unsubscribe();
  expect(order).toEqual(["before 1", "after 1", "before 2", "after 2"]);
  expect(told.map(({ outcome, attempt, name }) => [outcome, attempt, name])).toEqual([
    ["retried", 1, "q"],
    ["done", 2, "q"],
  ]);
});

test("handlers that throw at once, or return no promise, are like the others", async () => {
  const { clock, queues, memory } = setup();
  await queues.q.addMany(Array.from({ length: 3_000 }, (_, at) => at));
  const worker = queues.worker(
    {
      q: ({ data, attempt }) => {
        if (data === 7 && attempt === 1) throw new Error("boom");
      },
    },
    { concurrency: 2 },
  );
  await clock.advance(10_000);
  expect(memory.jobs("q")).toEqual([]);
  expect(worker.stats()).toMatchObject({ done: 3_000, retried: 1 });
});

test("an idle worker asks seldom, and is woken when there is work", async () => {
  const { clock, queues, driver } = setup();
  const worker = queues.worker({ q: hang });
  await clock.advance(60_000);
  expect(driver.calls.claim).toBeLessThan(130);
  await queues.q.add(1);
  await clock.advance(1);
  expect(worker.stats().running).toBe(1);
});

test("jobs that wait behind slow ones go back, for workers that have a place", async () => {
  let tripMs = 1;
  const { clock, queues, memory } = setup();
  const slow = async (ms: number, context: JobContext): Promise<void> => clock.sleep(ms, context);
  const driver = faultyDriver(memory, async (): Promise<Fault> => {
    await clock.sleep(tripMs);
    return "none";
  });
  const q = defineQueue<number>({ name: "q" });
  const far = createQueues({ driver, queues: { q }, clock });
  await queues.q.addMany([...Array(20).fill(1), ...Array(10).fill(600_000)]);
  const worker = far.worker({ q: ({ data }, context) => slow(data, context) }, { concurrency: 2 });
  await clock.advance(100);
  expect(worker.stats()).toMatchObject({ running: 2 });
  expect(worker.stats().waiting).toBeGreaterThan(0);
  tripMs = 0;
  await clock.advance(11_000);
  expect(worker.stats()).toMatchObject({ running: 2, waiting: 0 });
  expect(await queues.q.stats()).toMatchObject({ active: 2, ready: 8 });
});

const EMPTY_SETTINGS = {
  name: "q",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1e9, count: 100 } },
};

function newJob(id: string, body: string) {
  return {
    id,
    body,
    mayExist: false,
    name: "q",
    headers: {} as ClaimedJob["headers"],
    delayMs: 0,
    priority: 0,
    maxAttempts: 3,
    key: undefined,
    dedup: undefined,
    parent: undefined,
  };
}
