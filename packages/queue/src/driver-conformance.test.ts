import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import type { Capabilities } from "./capabilities.ts";
import type { QueueDriver, Verdict } from "./driver.ts";
import {
  describeQueueDriver,
  type QueueDriverSetup,
  queueDriverCases,
} from "./driver-conformance.ts";
import { memoryDriver } from "./memory/memory-driver.ts";

type Change = (driver: QueueDriver) => Partial<QueueDriver>;

function memory(like?: Capabilities, change: Change = () => ({})): QueueDriverSetup {
  const clock = createManualClock();
  const { server } = memoryDriver({ clock });
  return {
    connect: () => {
      const driver: QueueDriver = memoryDriver({ shared: server, like });
      return Object.assign(driver, change({ ...driver }));
    },
    advance: (ms) => clock.advance(ms),
    jobs: 300,
  };
}

describeQueueDriver("memory", () => memory(), { describe, test });

/** A broker that hands messages on, and no more. */
const BROKER: Capabilities = {
  delayMs: 0,
  priorities: 1,
  keys: false,
  dedup: false,
  extend: false,
  limits: false,
  maxBacklog: false,
  results: false,
  deadLetters: false,
  admin: false,
  schedules: false,
  flows: false,
  transactions: false,
  durability: "fsync",
};

describeQueueDriver("memory, like a broker", () => memory(BROKER), { describe, test });

describeQueueDriver(
  "memory, like one without dead letters",
  () => memory({ ...BROKER, delayMs: 1_000, priorities: 2, keys: true, extend: true, admin: true }),
  { describe, test },
);

/** Does the driver pass that case? */
async function passes(
  name: string,
  like: Capabilities | undefined,
  change: Change,
): Promise<boolean> {
  const found = queueDriverCases().find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found.run(memory(like, change)).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: "ERR_ASSERTION" });
      return false;
    },
  );
}

/** Settles something else than it is told. */
function settling(change: (verdict: Verdict) => Verdict): Change {
  return ({ settle }) => ({
    settle: (queue, settlements, options) =>
      settle(
        queue,
        settlements.map(({ job, verdict }) => ({ job, verdict: change(verdict) })),
        options,
      ),
  });
}

test.each<[string, string, Change]>([
  [
    "loses what is released",
    "a release gives the attempt back",
    settling((verdict) =>
      verdict.kind === "release" ? { kind: "done", result: undefined } : verdict,
    ),
  ],
  [
    "spends the attempt of a release",
    "a release gives the attempt back",
    settling((verdict) =>
      verdict.kind === "release"
        ? { kind: "retry", delayMs: 0, failure: { name: "E", message: "" } }
        : verdict,
    ),
  ],
  [
    "forgets delays",
    "a delayed job is ready when its time has come, not before",
    ({ enqueue }) => ({
      enqueue: (queue, jobs, options) =>
        enqueue(
          queue,
          jobs.map((job) => ({ ...job, delayMs: 0 })),
          options,
        ),
    }),
  ],
  [
    "forgets keys",
    "a key has one job in flight, in the order of adding",
    ({ enqueue }) => ({
      enqueue: (queue, jobs, options) =>
        enqueue(
          queue,
          jobs.map((job) => ({ ...job, key: undefined })),
          options,
        ),
    }),
  ],
  [
    "has leases that do not expire",
    "a lease that expires puts the job back, its attempt spent",
    ({ claim }) => ({
      claim: (queue, { limit }) => claim(queue, { limit, leaseMs: 1e9 }),
    }),
  ],
  [
    "believes any token",
    "a token that was made up is worth nothing",
    ({ settle }) => ({
      settle: async (queue, settlements, options) => {
        const settled = await settle(queue, settlements, options);
        return { ...settled, outcomes: settled.outcomes.map(() => "settled") };
      },
    }),
  ],
  [
    "drops one of a large batch",
    "5000 jobs are added in one call, and claimed in few",
    ({ enqueue }) => ({
      enqueue: async (queue, jobs, options) => {
        await enqueue(queue, jobs.slice(0, 4_999), options);
        return jobs.map(({ id }) => ({ outcome: "added", id }));
      },
    }),
  ],
  [
    "tells nobody",
    "whoever waits for a job is told of one",
    () => ({ subscribe: () => ({ ready: Promise.resolve(), close: async () => {} }) }),
  ],
  [
    "lets a clock fire twice",
    "a tick is fired once, however many try",
    ({ schedules }) => ({
      schedules: schedules && { ...schedules, fire: async () => ({ outcome: "fired" }) },
    }),
  ],
])("a driver that %s is found out", async (_, name, change) => {
  expect(await passes(name, undefined, () => ({}))).toBe(true);
  expect(await passes(name, undefined, change)).toBe(false);
});

test.each(["a delay", "a key", "an extension", "limits"])(
  "a driver that does in silence what it cannot do is found out: %s",
  async (name) => {
    const { enqueue, extend, claim } = memoryDriver();
    const change = (): Partial<QueueDriver> => ({ enqueue, extend, claim });
    expect(await passes(`refused where it is not supported: ${name}`, BROKER, change)).toBe(false);
  },
);

test("every case has a name of its own", () => {
  const names = queueDriverCases().map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
