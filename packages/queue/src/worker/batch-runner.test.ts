import { createManualClock } from "@headroom/core/testing";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineQueue } from "../definition.ts";
import { batch, type JobMiddleware } from "../job.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";

function setup(middleware: readonly JobMiddleware[] = []) {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  const q = defineQueue({
    name: "q",
    input: z.number(),
    retry: { attempts: 2 },
    timeoutMs: 1_000,
    results: {},
  });
  const queues = createQueues({ driver, queues: { q }, clock, middleware });
  const states = () => driver.jobs("q").map(({ body, state, result }) => [body, state, result]);
  return { clock, driver, queues, q: queues.q, states };
}

test("jobs are handled many at a time, each with its own result or failure", async () => {
  const { clock, queues, q, states } = setup();
  const sizes: number[] = [];
  await q.addMany([1, 2, 3, 4, 5]);
  queues.worker(
    {
      q: batch(3, async (jobs, context) => {
        expectTypeOf(jobs[0]?.data).toEqualTypeOf<number | undefined>();
        expect(context.signal.aborted).toBe(false);
        sizes.push(jobs.length);
        return jobs.map(({ data, attempt, context: own }) => {
          expect(own.fence).toContain(`:${attempt}:`);
          return data === 2 && attempt === 1 ? new Error("not yet") : data * 10;
        });
      }),
    },
    { concurrency: 2 },
  );
  await clock.advance(5_000);
  expect(states()).toEqual([1, 2, 3, 4, 5].map((n) => [`${n}`, "done", `${n * 10}`]));
  expect(Math.max(...sizes)).toBe(3);
});

test("what a batch throws, or a wrong number of results, is why all have failed", async () => {
  const { clock, queues, q, driver } = setup();
  await q.addMany([1, 2]);
  let calls = 0;
  const worker = queues.worker({
    q: batch(10, async () => {
      calls += 1;
      if (calls === 1) throw new Error("boom");
      return ["three", "of", "them"];
    }),
  });
  await clock.advance(5_000);
  expect(worker.stats()).toMatchObject({ dead: 2, retried: 2, done: 0 });
  for (const { history } of driver.jobs("q")) {
    expect(history.map(({ name }) => name)).toContain("Error");
  }
});

test("a batch that returns nothing has done them all; one that does not fit is not in it", async () => {
  const { clock, queues, q, driver } = setup();
  await q.addMany([1, 2]);
  const [record] = driver.jobs("q");
  const sent = { ...record, id: "odd", body: '"text"', delayMs: 0, mayExist: false };
  await driver.enqueue({ name: "q", maxBacklog: undefined, limits: LIMITS, retention: RETENTION }, [
    { ...sent, dedup: undefined } as never,
  ]);
  const seen: number[][] = [];
  queues.worker({ q: batch(10, (jobs) => void seen.push(jobs.map(({ data }) => data))) });
  await clock.advance(10);
  expect(seen.flat()).toEqual([1, 2]);
  expect(driver.jobs("q").map(({ state }) => state)).toEqual(["done", "done", "dead"]);
});

test("a batch that takes too long is told when it is so for all", async () => {
  const { clock, queues, q } = setup();
  await q.addMany([1, 2]);
  let reason: unknown;
  const worker = queues.worker({
    q: batch(2, async (_, { signal }) => {
      await clock.sleep(5_000, { signal }).catch((error) => {
        reason = error;
      });
    }),
  });
  await clock.advance(1_000);
  expect(reason).toMatchObject({ code: "QUEUE_TIMEOUT" });
  expect(worker.stats()).toMatchObject({ retried: 2, running: 0 });
});

test("middleware is around each job, and one that gives up does not hold up the others", async () => {
  const results: unknown[] = [];
  const { clock, queues, q } = setup([
    async (job, _, next) => {
      if (job.data === 2) throw new Error("not this one");
      results.push(await next());
    },
  ]);
  await q.addMany([1, 2, 3]);
  queues.worker({ q: batch(3, (jobs) => jobs.map(({ data }) => data * 10)) });
  await clock.advance(10);
  expect(results).toEqual([10, 30]);
});

const LIMITS = {
  concurrency: undefined,
  rate: undefined,
  perKeyConcurrency: 1,
  perKeyRate: undefined,
};
const RETENTION = { done: { ms: 3_600_000, count: 10_000 }, dead: { ms: 1e9, count: 100 } };
