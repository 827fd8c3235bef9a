import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { QueueDriver } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { type ModelScript, type QueueModelOptions, runQueueModel } from "./driver-model.ts";

const script: fc.Arbitrary<ModelScript> = fc.array(fc.tuple(fc.nat(999), fc.nat(99_999)), {
  maxLength: 60,
  size: "max",
});

type Change = (driver: QueueDriver) => Partial<QueueDriver>;

async function run(
  steps: ModelScript,
  options: Partial<QueueModelOptions>,
  timed: boolean,
  change: Change = () => ({}),
): Promise<void> {
  const clock = createManualClock({ nowMs: 1_000_000 });
  const driver = memoryDriver({ clock });
  const advance = timed ? (ms: number) => clock.advance(ms) : undefined;
  const changed = Object.assign(Object.create(driver), wholeDriver(driver), change(driver));
  await runQueueModel(changed, steps, { queue: "model", advance, ...options });
}

function wholeDriver(driver: QueueDriver): QueueDriver {
  const { name, capabilities, enqueue, claim, settle, extend, sweep, stats, subscribe } = driver;
  const { close, admin, schedules, flows } = driver;
  return {
    ...{ name, capabilities, enqueue, claim, settle, extend, sweep, stats, subscribe, close },
    ...{ admin, schedules, flows },
  };
}

test.each([
  ["in which time passes", {}, true],
  ["in which no time passes", {}, false],
  ["with limits", { concurrency: 3, maxBacklog: 5 }, true],
] as const)("memory does as memory, in runs %s", async (_, options, timed) => {
  await fc.assert(
    fc.asyncProperty(script, (steps) => run(steps, options, timed)),
    { numRuns: 150 },
  );
});

test.each<[string, Change]>([
  [
    "loses a job that is released",
    ({ settle }) => ({
      settle: (queue, settlements, options) =>
        settle(
          queue,
          settlements.map(({ job, verdict }) => ({
            job,
            verdict: verdict.kind === "release" ? { kind: "done", result: undefined } : verdict,
          })),
          options,
        ),
    }),
  ],
  [
    "lets two jobs of a key run",
    ({ claim, settle }) => ({
      claim: (queue, request) => claim(loose(queue), request),
      settle: (queue, settlements, options) => settle(loose(queue), settlements, options),
    }),
  ],
  [
    "spends the attempt of a release",
    ({ settle }) => ({
      settle: (queue, settlements, options) =>
        settle(
          queue,
          settlements.map(({ job, verdict }) => ({
            job,
            verdict:
              verdict.kind === "release"
                ? { ...verdict, kind: "retry", failure: { name: "", message: "" } }
                : verdict,
          })),
          options,
        ),
    }),
  ],
  [
    "believes a stale token",
    ({ settle }) => ({
      settle: async (queue, settlements, options) => {
        const settled = await settle(queue, settlements, options);
        return { ...settled, outcomes: settled.outcomes.map(() => "settled") };
      },
    }),
  ],
  [
    "forgets who has a dedup key",
    ({ enqueue }) => ({
      enqueue: (queue, jobs, options) =>
        enqueue(
          queue,
          jobs.map((job) => ({ ...job, dedup: undefined })),
          options,
        ),
    }),
  ],
])("a driver that %s is found out", async (_, change) => {
  const property = fc.asyncProperty(script, (steps) => run(steps, {}, false, change));
  const { failed } = await fc.check(property, { numRuns: 200, endOnFailure: true });
  expect(failed).toBe(true);
});

function loose(queue: Parameters<QueueDriver["claim"]>[0]): typeof queue {
  return { ...queue, limits: { ...queue.limits, perKeyConcurrency: 9 } };
}

test("a failure shows the steps that led to it", async () => {
  const change: Change = ({ stats }) => ({
    stats: async (queue) => ({ ...(await stats(queue)), ready: 7 }),
  });
  await expect(run([[0, 1]], {}, false, change)).rejects.toThrow(/stats: ready/);
  await expect(run([[0, 1]], {}, false, change)).rejects.toThrow(/after\n {2}\{"kind":"enqueue"/);
});
