import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Definition, defineQueue } from "../definition.ts";
import { type Fault, faultyDriver } from "../faulty-driver.ts";
import { type JobContext, RetryAfterError, UnrecoverableError } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import type { MemoryCapabilities } from "../memory/supported.ts";
import { createQueues, type Queues } from "../queues.ts";
import type { Worker } from "./worker.ts";

/**
 * Whatever handlers do and drivers fail, and whenever workers are stopped and others begin: no job is
 * lost, and none runs in two handlers at once, as long as handlers end when their signal aborts.
 */

const LEASE_MS = 3_000;

type Outcome = "done" | "throw" | "slow" | "slower" | "unrecoverable" | "retry-after";

const outcome = fc.constantFrom<Outcome>(
  "done",
  "done",
  "throw",
  "slow",
  "slower",
  "unrecoverable",
  "retry-after",
);

const step = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    jobs: fc.integer({ min: 1, max: 8 }),
    key: fc.nat(2),
  }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  fc.record({
    do: fc.constant("stop" as const),
    softMs: fc.constantFrom(0, 500, 5_000),
    hardMs: fc.constantFrom(0, 500),
  }),
  fc.record({
    do: fc.constant("start" as const),
    concurrency: fc.integer({ min: 1, max: 4 }),
    prefetch: fc.constantFrom(undefined, 0, 3),
  }),
  fc.record({
    do: fc.constant("fail" as const),
    node: fc.nat(3),
    fault: fc.constantFrom<Fault>("none", "before", "after"),
    every: fc.integer({ min: 1, max: 3 }),
  }),
);

test("no job is lost, and none runs twice at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(outcome, { minLength: 1, maxLength: 12 }),
      fc.array(step, { minLength: 10, maxLength: 40, size: "max" }),
      fc.nat(),
      play,
    ),
    { numRuns: 400 },
  );
}, 120_000);

interface Node {
  fault: Fault;
  every: number;
  calls: number;
  readonly queues: Queues<
    { q: Definition<Data, Data, unknown, unknown, never> },
    MemoryCapabilities
  >;
}

interface Data {
  readonly n: number;
  readonly key: number;
}

async function play(
  outcomes: readonly Outcome[],
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  seed: number,
): Promise<void> {
  const clock = createManualClock();
  const random = seededRandom(seed);
  const memory = memoryDriver({ clock, random });
  const q = defineQueue<Data>({
    name: "q",
    leaseMs: LEASE_MS,
    timeoutMs: 60_000,
    retry: { attempts: 1_000 },
    key: ({ key }) => (key === 0 ? undefined : String(key)),
  });
  // A process of its own, with its own link to the server, which may fail while others work.
  const startNode = (): Node => {
    const node = { fault: "none" as Fault, every: 1, calls: 0 };
    const driver = faultyDriver(memory, () => {
      node.calls += 1;
      return node.calls % node.every === 0 ? node.fault : "none";
    });
    const options = { driver, queues: { q }, clock, random, closeDriver: false };
    return Object.assign(node, { queues: createQueues(options) });
  };
  const running = new Map<string, number>();
  const done = new Set<string>();
  const keysRunning = new Set<string>();
  // What is thrown in a handler is only one more failed attempt.
  const violations: string[] = [];
  let attempts = 0;
  let healed = false;

  const work = async (id: string, context: JobContext): Promise<void> => {
    const how = healed ? "done" : outcomes[attempts++ % outcomes.length];
    if (how === "slow") await clock.sleep(LEASE_MS / 2, context);
    if (how === "slower") await clock.sleep(LEASE_MS * 3, context);
    if (how === "throw") throw new Error("boom");
    if (how === "unrecoverable") throw new UnrecoverableError("no");
    if (how === "retry-after") throw new RetryAfterError(700);
    done.add(id);
  };
  const handler = async (
    job: { id: string; key: string | undefined },
    context: JobContext,
  ): Promise<void> => {
    if (running.has(job.id)) violations.push(`job ${job.id} runs twice at once`);
    if (job.key !== undefined) {
      if (keysRunning.has(job.key)) violations.push(`key ${job.key} runs twice at once`);
      keysRunning.add(job.key);
    }
    running.set(job.id, 1);
    try {
      await work(job.id, context);
    } finally {
      running.delete(job.id);
      if (job.key !== undefined) keysRunning.delete(job.key);
    }
  };

  const added: string[] = [];
  const nodes: Node[] = [];
  const workers: Worker[] = [];
  const producer = startNode();
  const stops: Promise<void>[] = [];
  let n = 0;
  for (const each of steps) {
    if (each.do === "advance") await clock.advance(each.ms);
    else if (each.do === "start") {
      const { concurrency, prefetch } = each;
      const node = startNode();
      nodes.push(node);
      workers.push(node.queues.worker({ q: handler }, { concurrency, prefetch }));
    } else if (each.do === "stop") {
      const { softMs, hardMs } = each;
      const worker = workers.shift();
      if (worker !== undefined) stops.push(worker.stop({ softMs, hardMs }));
    } else if (each.do === "fail") {
      const node = nodes.at(-1 - each.node) ?? producer;
      node.fault = each.fault;
      node.every = each.every;
    } else {
      for (let job = 0; job < each.jobs; job++) {
        const adding = producer.queues.q.add({ n: n++, key: each.key });
        await adding.then(({ id }) => added.push(id)).catch(() => {});
      }
    }
  }
  for (const node of [...nodes, producer]) node.fault = "none";
  healed = true;
  producer.queues.worker({ q: handler }, { concurrency: 8 });
  for (let round = 0; round < 400 && isBusy(memory.jobs("q")); round++) await clock.advance(1_000);
  expect(violations).toEqual([]);
  const left = new Map(memory.jobs("q").map(({ id, state, reason }) => [id, { state, reason }]));
  for (const id of added) {
    const there = left.get(id);
    if (there === undefined) expect(done.has(id), `job ${id} is lost`).toBe(true);
    else expect(there).toEqual({ state: "dead", reason: "unrecoverable" });
  }
  const all = [producer, ...nodes].map(({ queues }) => queues.close({ softMs: 0, hardMs: 0 }));
  const closing = Promise.all([...stops, ...all]);
  while (await clock.advanceToNext());
  await closing;
  expect(clock.pending).toBe(0);
}

function isBusy(jobs: readonly { state: string }[]): boolean {
  return jobs.some(({ state }) => state !== "dead");
}
