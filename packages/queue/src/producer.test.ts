import { type QueueEnqueue, queueEnqueue } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Capabilities } from "./capabilities.ts";
import { type AnyDefinition, defineQueue } from "./definition.ts";
import { AddManyError } from "./errors.ts";
import { type Fault, faultyDriver } from "./faulty-driver.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { MEMORY_CAPABILITIES } from "./memory/supported.ts";
import type { AddMiddleware } from "./producer.ts";
import { job } from "./queue-client.ts";
import { createQueues } from "./queues.ts";

interface SetupOptions {
  readonly like?: Partial<Capabilities>;
  readonly addMiddleware?: readonly AddMiddleware[];
  readonly emulate?: readonly ["longDelay"];
}

function setup<Def extends AnyDefinition>(q: Def, options: SetupOptions = {}) {
  const clock = createManualClock();
  const like: Capabilities = { ...MEMORY_CAPABILITIES, ...options.like };
  const memory = memoryDriver({ clock, like });
  let fault: Fault = "none";
  const driver = faultyDriver(memory, () => fault);
  const traceContext = () => ({ traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` });
  const { addMiddleware, emulate } = options;
  const queues = createQueues<{ q: Def }, Capabilities, "longDelay">({
    driver,
    queues: { q } as never,
    clock,
    addMiddleware,
    emulate,
    traceContext,
  });
  const jobs = () => memory.jobs("q");
  const setFault = (next: Fault): void => {
    fault = next;
  };
  return { clock, driver, q: queues.q, queues, jobs, setFault };
}

const photo = z.object({ user: z.string(), size: z.coerce.number().default(1) });

test("what is given is stored, keys are of what the schema made of it", async () => {
  const definition = defineQueue({
    name: "q",
    input: photo,
    key: ({ user }) => user,
    dedup: ({ user, size }) => `${user}/${size}`,
  });
  const { q, jobs } = setup(definition);
  expect(await q.add({ user: "ann" })).toMatchObject({ outcome: "added" });
  expect(jobs()[0]).toMatchObject({ body: '{"user":"ann"}', key: "ann", maxAttempts: 5 });
  expect(jobs()[0]?.headers["traceparent"]).toMatch(/^00-aaa/);
  const [first] = jobs();
  expect(await q.add({ user: "ann", size: "1" })).toEqual({ outcome: "duplicate", id: first?.id });
});

test("data that do not fit are refused here, with a synchronous schema and with another", async () => {
  const { q, jobs } = setup(defineQueue({ name: "q", input: photo }));
  await expect(q.add({ user: 1 } as never)).rejects.toMatchObject({
    code: "QUEUE_INVALID",
    issues: [{ path: "user" }],
  });
  const slow = photo.refine(async ({ user }) => user !== "bad");
  const later = setup(defineQueue({ name: "q", input: slow }));
  await expect(later.q.add({ user: "bad" })).rejects.toMatchObject({ code: "QUEUE_INVALID" });
  await later.q.addMany([{ user: "good" }, { user: "fine" }]);
  expect([jobs().length, later.jobs().length]).toEqual([0, 2]);
});

test("what JSON makes something else of is refused where its author sees it", async () => {
  const { q } = setup(defineQueue({ name: "q", input: z.object({ at: z.date() }) }));
  await expect(q.add({ at: new Date(0) })).rejects.toMatchObject({ code: "QUEUE_INVALID" });
});

test.each([
  [{ id: "a b" }, "id must be"],
  [{ delayMs: -1 }, "delayMs must be"],
  [{ priority: 0.5 }, "priority must be"],
  [{ priority: 1e9 }, "priority must be below"],
  [{ headers: { A: "b" } }, "header"],
  [{ dely: 1 }, "unknown option"],
  [{ signal: "x" }, "signal must be"],
  [{ tx: {} }, "cannot do tx"],
])("%j is refused", async (options, message) => {
  const { q } = setup(defineQueue({ name: "q" }));
  await expect(q.add(1, options as never)).rejects.toThrow(message);
});

test("what a driver cannot do is refused, not ignored", async () => {
  const { q } = setup(defineQueue({ name: "q" }), { like: { delayMs: 0, priorities: 1 } });
  for (const options of [{ delayMs: 1 }, { priority: 1 }]) {
    await expect(q.add(1, options)).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
  }
});

test("a delay beyond the longest is waited for in parts, if that is asked for by name", async () => {
  const like = { delayMs: 1_000 };
  const refusing = setup(defineQueue({ name: "q" }), { like });
  await expect(refusing.q.add(1, { delayMs: 2_500 })).rejects.toThrow("a delayMs above 1000");
  const { q, queues, clock, jobs } = setup(defineQueue({ name: "q" }), {
    like,
    emulate: ["longDelay"],
  });
  const at: number[] = [];
  // In whole milliseconds, as the driver has its times: a jittered look may fall between two.
  queues.worker({ q: ({ attempt }) => void at.push(Math.floor(clock.monotonicNow()), attempt) });
  await q.add(1, { delayMs: 2_500 });
  await clock.advance(2_499);
  expect([at, jobs().length]).toEqual([[], 1]);
  await clock.advance(10);
  expect(at).toEqual([2_500, 1]);
});

test("an id of the application's is added once", async () => {
  const { q, jobs } = setup(defineQueue({ name: "q" }));
  expect(await q.add(1, { id: "order-7" })).toEqual({ outcome: "added", id: "order-7" });
  expect(await q.add(2, { id: "order-7" })).toEqual({ outcome: "duplicate", id: "order-7" });
  expect(jobs()).toHaveLength(1);
});

test("a full queue refuses, or is waited for", async () => {
  const definition = { name: "q", maxBacklog: 2 };
  const refusing = setup(defineQueue(definition));
  await refusing.q.add(1);
  const error: unknown = await refusing.q.addMany([2, 3]).catch((reason) => reason);
  expect(error).toBeInstanceOf(AddManyError);
  expect(error).toMatchObject({
    code: "QUEUE_FULL",
    retryable: true,
    outcomes: [{ outcome: "added" }, { outcome: "full" }],
  });
  await expect(refusing.q.add(4)).rejects.toMatchObject({ code: "QUEUE_FULL", retryable: true });

  const { q, clock, queues, jobs } = setup(defineQueue({ ...definition, onFull: "wait" }));
  const adding = q.addMany([1, 2, 3, 4]);
  await clock.advance(5_000);
  expect(jobs()).toHaveLength(2);
  const abort = new AbortController();
  const impatient = q.add(5, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(impatient).rejects.toThrow("enough");
  queues.worker({ q: () => {} });
  await clock.advance(5_000);
  expect((await adding).map(({ outcome }) => outcome)).toEqual(Array(4).fill("added"));
  expect(jobs()).toEqual([]);
});

test("many are added in chunks, each job with its own options", async () => {
  const { q, jobs, driver } = setup(defineQueue({ name: "q" }));
  const many = Array.from({ length: 2_500 }, (_, at) => ({ at }));
  const added = await q.addMany([...many, job({ at: -1 }, { delayMs: 50 })]);
  expect(added).toHaveLength(2_501);
  expect(driver.calls.enqueue).toBe(3);
  expect(jobs().at(-1)).toMatchObject({ state: "delayed", body: '{"at":-1}' });
  expect(await q.addMany([])).toEqual([]);
  await expect(q.addMany({} as never)).rejects.toThrow("a list");
});

test("when a chunk fails it is known which jobs were added", async () => {
  const { q, setFault, driver } = setup(defineQueue({ name: "q" }));
  const enqueue = driver.enqueue;
  let calls = 0;
  driver.enqueue = (...given) => {
    calls += 1;
    if (calls === 2) setFault("before");
    return enqueue(...given);
  };
  const error: unknown = await q.addMany(Array(1_500).fill(0)).catch((reason) => reason);
  expect(error).toMatchObject({
    code: "QUEUE_UNAVAILABLE",
    message: expect.stringMatching("1000"),
  });
  const { outcomes } = error as AddManyError;
  expect([outcomes.length, outcomes[999]?.outcome, outcomes[1_000]]).toEqual([
    1_500,
    "added",
    undefined,
  ]);
});

test("layers of adding see all jobs, and may change them", async () => {
  const { q, jobs } = setup(defineQueue({ name: "q" }), {
    addMiddleware: [
      async (call, next) => {
        const tenant = { headers: { tenant: "x" } };
        return next({ ...call, jobs: call.jobs.map(({ data }) => ({ data, options: tenant })) });
      },
    ],
  });
  await q.add(1);
  await q.addMany([2, 3]);
  expect(jobs().map(({ headers }) => headers["tenant"])).toEqual(["x", "x", "x"]);
});

test("an operation tells how many", async () => {
  const told: QueueEnqueue[] = [];
  const unsubscribe = queueEnqueue.subscribe({ asyncEnd: (event) => told.push({ ...event }) });
  const { q } = setup(defineQueue({ name: "q" }));
  await q.addMany([job(1, { id: "a" }), job(2, { id: "a" })]);
  unsubscribe();
  expect(told).toEqual([{ queue: "q", name: "q", system: "memory", jobs: 2, duplicates: 1 }]);
});

test("a key that is no text is the application's mistake", async () => {
  const { q } = setup(defineQueue({ name: "q", key: () => 7 as never }));
  await expect(q.add(1)).rejects.toThrow("key of queue");
});
