/** What a case works with: two clients of one server, queues that no other case knows, and time. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { systemClock } from "@headroom/core/clock";
import type { Capabilities } from "../capabilities.ts";
import type {
  ClaimedJob,
  DriverEvent,
  Enqueued,
  NewJob,
  QueueDriver,
  QueueLimits,
  QueueSettings,
  SettleOutcome,
  Verdict,
} from "../driver.ts";
import type { Flows, JobAdmin, JobRecord, Schedules } from "../driver-powers.ts";

/** What the tester brings. */
export interface QueueDriverSetup {
  /** Opens a client, as another process would: the case closes it. All of them are of one server. */
  connect(): QueueDriver | Promise<QueueDriver>;
  /**
   * Lets so much time pass for the server.
   * @default waits
   */
  readonly advance?: ((ms: number) => Promise<void>) | undefined;
  /** Restarts the server, with what it has acknowledged. Without it the case of that does nothing. */
  readonly restart?: (() => Promise<void>) | undefined;
  /**
   * Runs something in a transaction of the application's, and ends that. Where `transactions` is
   * claimed: without it the cases of that do nothing.
   */
  readonly transaction?:
    | ((end: "commit" | "rollback", run: (tx: unknown) => Promise<void>) => Promise<void>)
    | undefined;
  /**
   * All short durations of the suite are so much longer: for a slow server or machine.
   * @default 1
   */
  readonly scale?: number | undefined;
  /**
   * How many jobs go through the case of many concurrent workers.
   * @default 1_000
   */
  readonly jobs?: number | undefined;
}

export interface QueueDriverCase {
  /** A sentence: what the driver does. */
  readonly name: string;
  run(setup: QueueDriverSetup): Promise<void>;
}

/** A capability that a case is about; `"delay"`: any at all. */
export type Need = "delay" | "priorities" | Extract<keyof Capabilities, BooleanCapability>;

type BooleanCapability = {
  [Name in keyof Capabilities]: Capabilities[Name] extends boolean ? Name : never;
}[keyof Capabilities];

export interface Bench {
  readonly driver: QueueDriver;
  /** Another process's. */
  readonly other: QueueDriver;
  /** Another process of its own. */
  connect(): Promise<QueueDriver>;
  /** A queue of this case alone, without limits. */
  readonly queue: QueueSettings;
  /** The same queue with other settings, or another one by another name. */
  settings(changes?: SettingsChanges): QueueSettings;
  /** A name that nobody has used. */
  name(): string;
  /** So many "short" milliseconds: times `scale`. */
  ms(ms: number): number;
  /** Lets so many short milliseconds pass. */
  pass(ms: number): Promise<void>;
  /** Time passes as it is told to, and operations take none. */
  readonly exactTime: boolean;
  readonly restart: QueueDriverSetup["restart"];
  readonly transaction: QueueDriverSetup["transaction"];
  readonly jobs: number;
  readonly admin: JobAdmin;
  readonly schedules: Schedules;
  readonly flows: Flows;
  /** Adds one job to the queue; it must be added. Returns its id. */
  add(changes?: Partial<NewJob>, queue?: QueueSettings): Promise<string>;
  /** Adds jobs in one call; all must be added. */
  addAll(changes: readonly Partial<NewJob>[], queue?: QueueSettings): Promise<string[]>;
  /** Claims at once what there is. */
  claim(limit?: number, options?: ClaimOptions): Promise<readonly ClaimedJob[]>;
  /** Claims until it has so many, or fails when that takes too long. */
  claimSoon(count: number, options?: ClaimOptions): Promise<ClaimedJob[]>;
  /** Claims one, soon. */
  claimOne(options?: ClaimOptions): Promise<ClaimedJob>;
  settle(job: ClaimedJob, verdict?: Verdict, options?: ByOptions): Promise<SettleOutcome>;
  find(id: string, queue?: QueueSettings): Promise<JobRecord>;
  /** Lets time pass until the condition holds, or fails. */
  eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Subscribes; `told` has the events. */
  listen(kinds: readonly DriverEvent["kind"][], options?: ByOptions): Promise<DriverEvent[]>;
}

export interface ByOptions {
  readonly by?: QueueDriver;
  readonly queue?: QueueSettings;
}

export interface ClaimOptions extends ByOptions {
  readonly leaseMs?: number;
}

export type SettingsChanges = Partial<Omit<QueueSettings, "limits">> & {
  readonly limits?: Partial<QueueLimits>;
};

/** Long against any test. */
export const MINUTE_MS = 60_000;
/** A job that has not come by then will not. */
const LATE_MS = 5_000;
const STEP_MS = 20;

export const DONE: Verdict = { kind: "done", result: undefined };
export const RELEASE: Verdict = { kind: "release", delayMs: 0 };
export const FAILURE = { name: "Error", message: "no such photo" } as const;
export const RETRY: Verdict = { kind: "retry", delayMs: 0, failure: FAILURE };
export const GIVE_UP: Verdict = { kind: "dead", reason: "unrecoverable", failure: FAILURE };

/** A job of this id, or of any. */
export function newJob(changes: Partial<NewJob> = {}): NewJob {
  return {
    id: randomUUID(),
    mayExist: false,
    name: "work",
    body: "{}",
    headers: {},
    delayMs: 0,
    priority: 0,
    maxAttempts: 5,
    key: undefined,
    dedup: undefined,
    parent: undefined,
    ...changes,
  };
}

/**
 * @param needs the case does nothing for a driver that lacks one of them.
 * @param run with what it needs of the driver.
 */
export function queueCase(
  name: string,
  needs: readonly Need[],
  run: (bench: Bench) => Promise<void>,
): QueueDriverCase {
  return {
    name,
    run: async (setup) => {
      const opened: QueueDriver[] = [];
      const connect = async (): Promise<QueueDriver> => {
        const driver = await setup.connect();
        opened.push(driver);
        return driver;
      };
      try {
        const driver = await connect();
        if (!needs.every((need) => can(driver.capabilities, need))) return;
        await run(benchOf(setup, driver, await connect(), connect));
      } finally {
        await Promise.all(opened.map((driver) => driver.close()));
      }
    },
  };
}

export function can(caps: Capabilities, need: Need): boolean {
  if (need === "delay") return caps.delayMs >= MINUTE_MS;
  return need === "priorities" ? caps.priorities > 1 : caps[need];
}

function benchOf(
  { advance, restart, transaction, scale = 1, jobs = 1_000 }: QueueDriverSetup,
  driver: QueueDriver,
  other: QueueDriver,
  connect: () => Promise<QueueDriver>,
): Bench {
  const name = (): string => `conformance-${randomUUID()}`;
  const own = name();
  const settings: Bench["settings"] = ({ limits, ...changes } = {}) => ({
    name: own,
    maxBacklog: undefined,
    retention: { done: undefined, dead: { ms: 10 * MINUTE_MS, count: 10_000 } },
    ...changes,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
      ...limits,
    },
  });
  const queue = settings();
  let advancing: Promise<void> | undefined;
  /** Those who wait beside each other wait for the same time. */
  const advanced = (by: (ms: number) => Promise<void>, ms: number): Promise<void> => {
    advancing ??= by(ms).finally(() => {
      advancing = undefined;
    });
    return advancing;
  };
  const pass: Bench["pass"] = (ms) =>
    advance === undefined ? systemClock.sleep(ms * scale) : advanced(advance, ms * scale);
  const eventually: Bench["eventually"] = async (what, condition) => {
    for (let passedMs = 0; !(await condition()); passedMs += STEP_MS) {
      assert.ok(passedMs < LATE_MS, `in time: ${what}`);
      await pass(STEP_MS);
    }
  };
  const addAll: Bench["addAll"] = async (changes, to = queue) => {
    const made = changes.map(newJob);
    const outcomes = await driver.enqueue(to, made);
    assert.deepEqual(
      outcomes,
      made.map(({ id }): Enqueued => ({ outcome: "added", id })),
    );
    return made.map(({ id }) => id);
  };
  const claim: Bench["claim"] = async (limit = 1, options = {}) => {
    const { by = driver, queue: from = queue, leaseMs = MINUTE_MS } = options;
    return (await by.claim(from, { limit, leaseMs })).jobs;
  };
  const claimSoon: Bench["claimSoon"] = async (count, options) => {
    const claimed: ClaimedJob[] = [];
    await eventually(`${count} jobs can be claimed`, async () => {
      claimed.push(...(await claim(count - claimed.length, options)));
      return claimed.length >= count;
    });
    return claimed;
  };
  return {
    driver,
    other,
    connect,
    queue,
    settings,
    name,
    ms: (ms) => ms * scale,
    pass,
    exactTime: advance !== undefined,
    restart,
    transaction,
    jobs,
    get admin() {
      return power("admin", driver.admin);
    },
    get schedules() {
      return power("schedules", driver.schedules);
    },
    get flows() {
      return power("flows", driver.flows);
    },
    add: async (changes, to) => first(await addAll([changes ?? {}], to)),
    addAll,
    claim,
    claimSoon,
    claimOne: async (options) => first(await claimSoon(1, options)),
    settle: async (job, verdict = DONE, { by = driver, queue: of = queue } = {}) =>
      first((await by.settle(of, [{ job, verdict }])).outcomes),
    find: async (id, of = queue) => {
      const found = await power("admin", driver.admin).find(of, id);
      return found ?? assert.fail("the job is not found");
    },
    eventually,
    listen: async (kinds, { by = driver, queue: of = queue } = {}) => {
      const told: DriverEvent[] = [];
      await by.subscribe(of, kinds, (event) => told.push(event)).ready;
      return told;
    },
  };
}

function power<Power>(name: string, value: Power | undefined): Power {
  return value ?? assert.fail(`the capability ${name} is claimed, and driver.${name} is not there`);
}

export function first<Value>(values: readonly Value[]): Value {
  const [value] = values;
  if (values.length !== 1 || value === undefined) {
    assert.fail(`one was due, got ${values.length}`);
  }
  return value;
}

export function ids(jobs: readonly { readonly id: string }[]): string[] {
  return jobs.map(({ id }) => id);
}

export function sorted(texts: readonly string[]): string[] {
  return [...texts].sort();
}
