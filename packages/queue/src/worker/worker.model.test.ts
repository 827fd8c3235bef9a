import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { type Fault, faultyDriver } from "../faulty-driver.ts";
import { type JobContext, RetryAfterError, UnrecoverableError } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";
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
    fault: fc.constantFrom<Fault>("none", "before", "after"),
    every: fc.integer({ min: 1, max: 3 }),
  }),
);

test("no job is lost, and none runs twice at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(outcome, { minLength: 1, maxLength: 12 }),
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.nat(),
      play,
    ),
    { numRuns: 150 },
  );
}, 120_000);

async function play(
  outcomes: readonly Outcome[],
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  seed: number,
): Promise<void> {
  const clock = createManualClock();
  const random = seededRandom(seed);
  const memory = memoryDriver({ clock, random });
  let fault: Fault = "none";
  let every = 1;
  let calls = 0;
  const driver = faultyDriver(memory, () => {
    calls += 1;
    return calls % every === 0 ? fault : "none";
  });
  const q = defineQueue<{ n: number; key: number }>({
    name: "q",
    leaseMs: LEASE_MS,
    timeoutMs: 60_000,
    retry: { attempts: 1_000 },
    key: ({ key }) => (key === 0 ? undefined : String(key)),
  });
  const queues = createQueues({ driver, queues: { q }, clock, random });
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
  const workers: Worker[] = [];
  const stops: Promise<void>[] = [];
  let n = 0;
  for (const each of steps) {
    if (each.do === "advance") await clock.advance(each.ms);
    else if (each.do === "start") {
      const { concurrency, prefetch } = each;
      workers.push(queues.worker({ q: handler }, { concurrency, prefetch }));
    } else if (each.do === "stop") {
      const { softMs, hardMs } = each;
      const worker = workers.shift();
      if (worker !== undefined) stops.push(worker.stop({ softMs, hardMs }));
    } else if (each.do === "fail") {
      fault = each.fault;
      every = each.every;
    } else {
      for (let job = 0; job < each.jobs; job++) {
        const adding = queues.q.add({ n: n++, key: each.key });
        await adding.then(({ id }) => added.push(id)).catch(() => {});
      }
    }
  }
  fault = "none";
  healed = true;
  workers.push(queues.worker({ q: handler }, { concurrency: 8 }));
  for (let round = 0; round < 400 && isBusy(memory.jobs("q")); round++) await clock.advance(1_000);
  expect(violations).toEqual([]);
  const left = new Map(memory.jobs("q").map(({ id, state, reason }) => [id, { state, reason }]));
  for (const id of added) {
    const there = left.get(id);
    if (there === undefined) expect(done.has(id), `job ${id} is lost`).toBe(true);
    else expect(there).toEqual({ state: "dead", reason: "unrecoverable" });
  }
  const closing = Promise.all([...stops, queues.close({ softMs: 0, hardMs: 0 })]);
  while (await clock.advanceToNext());
  await closing;
  expect(clock.pending).toBe(0);
}

function isBusy(jobs: readonly { state: string }[]): boolean {
  return jobs.some(({ state }) => state !== "dead");
}
