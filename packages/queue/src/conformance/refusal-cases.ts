/** What a driver cannot do it refuses: it does not do something else in silence. */

import assert from "node:assert/strict";
import type { Capabilities } from "../capabilities.ts";
import type { QueueDriver, QueueSettings } from "../driver.ts";
import {
  type Bench,
  MINUTE_MS,
  newJob,
  type QueueDriverCase,
  queueCase,
} from "./conformance-bench.ts";

const UNSUPPORTED = { code: "QUEUE_UNSUPPORTED" };

/** A case for drivers that have not the capability. */
function refusal(
  name: string,
  lacking: (caps: Capabilities) => boolean,
  run: (bench: Bench) => Promise<void>,
): QueueDriverCase {
  return queueCase(`refused where it is not supported: ${name}`, [], async (bench) => {
    if (lacking(bench.driver.capabilities)) await run(bench);
  });
}

async function refusesQueue(driver: QueueDriver, queue: QueueSettings): Promise<void> {
  await assert.rejects(driver.enqueue(queue, [newJob()]), UNSUPPORTED);
  await assert.rejects(driver.claim(queue, { limit: 1, leaseMs: MINUTE_MS }), UNSUPPORTED);
}

export const refusalCases: readonly QueueDriverCase[] = [
  refusal(
    "a delay",
    ({ delayMs }) => delayMs < Number.POSITIVE_INFINITY,
    async (bench) => {
      const { driver, queue } = bench;
      const delayMs = driver.capabilities.delayMs + 1;
      await assert.rejects(driver.enqueue(queue, [newJob(), newJob({ delayMs })]), UNSUPPORTED);
      assert.deepEqual(await bench.claim(10), [], "nothing was added");
      await bench.add();
      const job = await bench.claimOne();
      const verdict = { kind: "release", delayMs } as const;
      await assert.rejects(driver.settle(queue, [{ job, verdict }]), UNSUPPORTED);
    },
  ),
  refusal(
    "a priority",
    () => true,
    async ({ driver, queue }) => {
      const { priorities } = driver.capabilities;
      await assert.rejects(driver.enqueue(queue, [newJob({ priority: priorities })]), UNSUPPORTED);
    },
  ),
  refusal(
    "a key",
    ({ keys }) => !keys,
    async ({ driver, queue }) => {
      await assert.rejects(driver.enqueue(queue, [newJob({ key: "a" })]), UNSUPPORTED);
    },
  ),
  refusal(
    "a dedup key",
    ({ dedup }) => !dedup,
    async ({ driver, queue }) => {
      const job = newJob({ dedup: { key: "a", windowMs: undefined } });
      await assert.rejects(driver.enqueue(queue, [job]), UNSUPPORTED);
    },
  ),
  refusal(
    "an extension",
    ({ extend }) => !extend,
    async ({ driver, queue, add, claimOne }) => {
      await add();
      await assert.rejects(driver.extend(queue, [await claimOne()], MINUTE_MS), UNSUPPORTED);
    },
  ),
  refusal(
    "limits",
    ({ limits }) => !limits,
    async ({ driver, settings }) => {
      const rate = { jobs: 1, perMs: 1_000 };
      for (const limits of [{ concurrency: 1 }, { rate }, { perKeyRate: rate }]) {
        await refusesQueue(driver, settings({ limits }));
      }
    },
  ),
  refusal(
    "a bound of the backlog",
    ({ maxBacklog }) => !maxBacklog,
    async (bench) => {
      await refusesQueue(bench.driver, bench.settings({ maxBacklog: 1 }));
    },
  ),
  refusal(
    "results",
    ({ results }) => !results,
    async ({ driver, queue, settings }) => {
      const done = { ms: MINUTE_MS, count: 1 };
      await refusesQueue(driver, settings({ retention: { ...queue.retention, done } }));
    },
  ),
  refusal(
    "dead letters",
    ({ deadLetters }) => !deadLetters,
    async ({ driver, queue }) => {
      if (driver.admin === undefined) return;
      await assert.rejects(driver.admin.redrive(queue, { limit: 1 }), UNSUPPORTED);
    },
  ),
  refusal(
    "a transaction",
    ({ transactions }) => !transactions,
    async (bench) => {
      const { driver, queue } = bench;
      await assert.rejects(driver.enqueue(queue, [newJob()], { tx: {} }), UNSUPPORTED);
      assert.deepEqual(await bench.claim(10), []);
    },
  ),
  queueCase("a power is there if, and only if, its capability says so", [], async ({ driver }) => {
    const { capabilities: caps, admin, schedules, flows } = driver;
    assert.deepEqual(
      {
        admin: admin !== undefined,
        schedules: schedules !== undefined,
        flows: flows !== undefined,
      },
      { admin: caps.admin, schedules: caps.schedules, flows: caps.flows },
    );
  }),
];
