/** The Redis driver while the server is killed, frozen, full, emptied, read-only or watched. */

import { randomUUID } from "node:crypto";
import { systemClock } from "@headroom/core/clock";
import { eventually, startRedis, useServers } from "@headroom/harness";
import type { ClaimedJob, NewJob, QueueDriver, QueueSettings, Verdict } from "@headroom/queue";
import { type RedisDriverOptions, redisDriver } from "@headroom/queue/redis";
import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";

const redis = useServers(() => startRedis({ settings: { appendonly: "yes" } }));
const TIMEOUT_MS = 300;
const LEASE_MS = 60_000;
const UNAVAILABLE = { code: "QUEUE_UNAVAILABLE", retryable: true };
const DONE: Verdict = { kind: "done", result: undefined };
const FAILURE = { name: "Error", message: "no" };

interface ClientOptions {
  readonly keyPrefix?: string;
  readonly stringNumbers?: boolean;
  readonly enableAutoPipelining?: boolean;
  readonly enableReadyCheck?: boolean;
  readonly protocol?: 2;
  readonly username?: string;
  readonly password?: string;
}

function connect(options: ClientOptions = {}): Redis {
  const { host, port } = redis().primary.via;
  const client = new Redis(port, host, options);
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** A command that is sent when the test is over. */
function afterwards(name: string, ...parameters: (string | number)[]): void {
  onTestFinished(async () => {
    await redis().primary.command(name, ...parameters);
  });
}

function open(options: RedisDriverOptions = {}, client: Redis = connect()): QueueDriver {
  const driver = redisDriver(client, { timeoutMs: TIMEOUT_MS, ...options });
  onTestFinished(() => driver.close());
  return driver;
}

function settings(changes: Partial<QueueSettings> = {}): QueueSettings {
  return {
    name: `faults-${randomUUID()}`,
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: LEASE_MS, count: 100 } },
    ...changes,
  };
}

function job(changes: Partial<NewJob> = {}): NewJob {
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

const claim = async (driver: QueueDriver, queue: QueueSettings, limit = 10, leaseMs = LEASE_MS) =>
  (await driver.claim(queue, { limit, leaseMs })).jobs;

const settle = async (
  driver: QueueDriver,
  queue: QueueSettings,
  jobs: readonly ClaimedJob[],
  verdict: Verdict = DONE,
) =>
  (
    await driver.settle(
      queue,
      jobs.map((each) => ({ job: each, verdict })),
    )
  ).outcomes;

/** What a process hears that waits for jobs, and how often. */
async function waiting(driver: QueueDriver, queue: QueueSettings): Promise<{ told: number }> {
  const heard = { told: 0 };
  const subscription = driver.subscribe(queue, ["ready"], () => {
    heard.told += 1;
  });
  onTestFinished(() => subscription.close());
  await subscription.ready;
  return heard;
}

async function recovered(driver: QueueDriver, queue: QueueSettings): Promise<void> {
  await eventually("the driver works again", async () => {
    await driver.enqueue(queue, [job()]).catch(() => {});
    const jobs = await claim(driver, queue).catch(() => []);
    return jobs.length > 0 ? true : undefined;
  });
}

test("a server that forgets its scripts is taught them again", async () => {
  const queue = settings();
  const driver = open();
  await driver.enqueue(queue, [job(), job()]);
  await redis().primary.command("SCRIPT", "FLUSH");
  const [one, two] = await claim(driver, queue);
  await redis().primary.command("SCRIPT", "FLUSH");
  expect(
    await settle(
      driver,
      queue,
      [one, two].filter((each) => each !== undefined),
    ),
  ).toEqual(["settled", "settled"]);
});

test("jobs, leases and who waits for them outlast a killed server", async () => {
  const queue = settings();
  const driver = open();
  await driver.enqueue(queue, [job(), job()]);
  const [active] = await claim(driver, queue, 1);
  const heard = await waiting(driver, queue);
  // A last command that is on disk: the log is written once a second.
  await redis()
    .primary.command("WAITAOF", 0, 0, 0)
    .catch(() => {});
  await redis().primary.command("CONFIG", "SET", "appendfsync", "always");
  afterwards("CONFIG", "SET", "appendfsync", "everysec");
  await redis().primary.kill9();
  await expect(driver.enqueue(queue, [job()])).rejects.toMatchObject(UNAVAILABLE);
  const before = heard.told;
  await redis().primary.start();
  await eventually("it is told to look", () => (heard.told > before ? true : undefined), {
    withinMs: 2_000,
  });
  await eventually("the client is back", async () =>
    driver.stats(queue).then(
      () => true,
      () => undefined,
    ),
  );
  expect(await driver.extend(queue, active ? [active] : [], LEASE_MS)).toEqual(["extended"]);
  expect((await claim(driver, queue)).length).toBeGreaterThanOrEqual(1);
});

test("a full server refuses jobs and lets work be finished", async () => {
  const queue = settings();
  const driver = open();
  await driver.enqueue(queue, [job(), job(), job(), job({ key: "a" })]);
  const [done, retried, extended] = await claim(driver, queue, 3);
  await redis().primary.command("CONFIG", "SET", "maxmemory", 1);
  afterwards("CONFIG", "SET", "maxmemory", 0);
  for (const refused of [job(), job({ key: "a" })]) {
    await expect(driver.enqueue(queue, [refused])).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { code: "OOM" },
    });
  }
  if (done === undefined || retried === undefined || extended === undefined) throw new Error();
  const verdict = { kind: "retry", delayMs: 0, failure: FAILURE } as const;
  const { outcomes, claim: more } = await driver.settle(
    queue,
    [
      { job: done, verdict: DONE },
      { job: retried, verdict },
    ],
    { claim: { limit: 10, leaseMs: LEASE_MS } },
  );
  expect(outcomes).toEqual(["settled", "settled"]);
  expect(more?.jobs).toHaveLength(2);
  expect(await driver.extend(queue, [extended], LEASE_MS)).toEqual(["extended"]);
  expect((await driver.sweep(queue)).recovered).toBe(0);
  expect((await driver.stats(queue)).active).toBe(3);
});

test("connections that are killed are made anew, and nothing is missed", async () => {
  const queue = settings({ retention: { ...settings().retention, done: { ms: 1e6, count: 10 } } });
  const driver = open();
  const ended: string[] = [];
  const subscription = driver.subscribe(queue, ["ended"], (event) => {
    if (event.kind === "ended") ended.push(event.id);
  });
  onTestFinished(() => subscription.close());
  await subscription.ready;
  const heard = await waiting(driver, queue);
  for (const type of ["normal", "pubsub"]) {
    await redis().primary.command("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
  }
  const before = heard.told;
  await recovered(driver, queue);
  await eventually("it is told", () => (heard.told > before ? true : undefined));
  await eventually("it hears of ends again", async () => {
    await driver.enqueue(queue, [job()]);
    await settle(driver, queue, await claim(driver, queue));
    return ended.length > 0 ? true : undefined;
  });
});

test("a server that does not answer fails calls in time, and is waited for", async () => {
  const queue = settings();
  const driver = open();
  const heard = await waiting(driver, queue);
  await driver.enqueue(queue, [job()]);
  await redis().primary.pause();
  const startedMs = performance.now();
  const calls = [
    driver.enqueue(queue, [job()]),
    driver.claim(queue, { limit: 1, leaseMs: LEASE_MS }),
    driver.extend(queue, [{ id: "a", token: "a:1:b.0" }], LEASE_MS),
    driver.sweep(queue),
    driver.stats(queue),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
  }
  expect(performance.now() - startedMs).toBeLessThan(10 * TIMEOUT_MS);
  const before = heard.told;
  await redis().primary.resume();
  await recovered(driver, queue);
  await driver.enqueue(queue, [job()]);
  await eventually("it is told", () => (heard.told > before ? true : undefined));
});

test("a job whose claim came too late is given back with its attempt", async () => {
  const queue = settings();
  const driver = open();
  await driver.enqueue(queue, [job()]);
  redis().primary.link.stall("down");
  await expect(driver.claim(queue, { limit: 1, leaseMs: LEASE_MS })).rejects.toMatchObject(
    UNAVAILABLE,
  );
  redis().primary.link.open();
  const [again] = await eventually("it can be claimed", async () => {
    const jobs = await claim(driver, queue).catch(() => []);
    return jobs.length > 0 ? jobs : undefined;
  });
  expect(again?.attempt).toBe(1);
});

test("a link that is half open does not keep a process waiting", async () => {
  const queue = settings();
  const driver = open();
  const heard = await waiting(driver, queue);
  redis().primary.link.stall();
  await expect(driver.stats(queue)).rejects.toMatchObject(UNAVAILABLE);
  redis().primary.link.resetAll();
  redis().primary.link.open();
  const other = open();
  const before = heard.told;
  await eventually("it is told", async () => {
    await other.enqueue(queue, [job()]);
    return heard.told > before ? true : undefined;
  });
});

test("a primary that was demoted refuses, and is used again when it leads", async () => {
  const queue = settings();
  const driver = open();
  const heard = await waiting(driver, queue);
  await redis().primary.command("REPLICAOF", "127.0.0.1", 1);
  await expect(driver.enqueue(queue, [job()])).rejects.toMatchObject({
    ...UNAVAILABLE,
    cause: { code: "READONLY" },
  });
  await redis().primary.lead();
  const before = heard.told;
  await recovered(driver, queue);
  await eventually("it is told", () => (heard.told > before ? true : undefined));
});

test("a server that evicts is refused, unless that is wanted", async () => {
  const queue = settings();
  await redis().primary.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
  afterwards("CONFIG", "SET", "maxmemory-policy", "noeviction");
  for (const client of [connect(), connect({ protocol: 2 })]) {
    const driver = open({}, client);
    await expect(driver.enqueue(queue, [job()])).rejects.toMatchObject({ code: "QUEUE_EVICTING" });
  }
  const driver = open();
  await expect(driver.stats(queue)).rejects.toMatchObject({ code: "QUEUE_EVICTING" });
  await redis().primary.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  await driver.stats(queue);
  await redis().primary.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
  await open({ allowEviction: true }).enqueue(queue, [job()]);
});

test("a user who may not read the policy is warned, once, and works", async () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warnings.mockRestore());
  const rules = ["on", ">pass", "~*", "&*", "+@all", "-config", "-info"];
  await redis().primary.command("ACL", "SETUSER", "app", ...rules);
  afterwards("ACL", "DELUSER", "app");
  const client = connect({ username: "app", password: "pass", enableReadyCheck: false });
  const driver = open({}, client);
  const queue = settings();
  await driver.enqueue(queue, [job()]);
  expect(await claim(driver, queue)).toHaveLength(1);
  expect(warnings).toHaveBeenCalledTimes(1);
});

test("one job wakes one of five processes that wait, and no more", async () => {
  const queue = settings();
  const drivers = [1, 2, 3, 4, 5].map(() => open());
  let claims = 0;
  const taken: ClaimedJob[] = [];
  for (const driver of drivers) {
    const look = async () => {
      claims += 1;
      taken.push(...(await claim(driver, queue)));
    };
    const subscription = driver.subscribe(queue, ["ready"], () => void look());
    onTestFinished(() => subscription.close());
    await subscription.ready;
  }
  for (let round = 1; round <= 20; round++) {
    await drivers[round % 5]?.enqueue(queue, [job()]);
    await eventually("it is claimed", () => (taken.length === round ? true : undefined));
  }
  expect(claims).toBe(20);
});

test("a process that is busy passes the marker on to one that is not", async () => {
  const queue = settings();
  const [busy, idle] = [open(), open()];
  await busy.enqueue(queue, [job()]);
  const first = await waiting(busy, queue);
  expect(await claim(busy, queue, 1)).toHaveLength(1);
  const second = await waiting(idle, queue);
  const before = first.told;
  for (let round = 0; round < 5; round++) {
    const told = second.told;
    await idle.enqueue(queue, [job()]);
    await eventually("the idle one is told", () => (second.told > told ? true : undefined));
    await claim(idle, queue);
  }
  expect(first.told).toBe(before);
  await claim(busy, queue);
  await eventually("the other one is told when it has room again", async () => {
    await idle.enqueue(queue, [job()]);
    return first.told > before ? true : undefined;
  });
});

test("clocks of processes do not matter", async () => {
  const queue = settings();
  const skewed = (byMs: number) =>
    open({ clock: { ...systemClock, now: () => systemClock.now() + byMs } });
  const [behind, ahead] = [skewed(-600_000), skewed(600_000)];
  await behind.enqueue(queue, [job({ delayMs: 30_000 }), job()]);
  const jobs = await claim(behind, queue);
  expect(jobs).toHaveLength(1);
  expect(await claim(ahead, queue)).toEqual([]);
  expect((await ahead.sweep(queue)).recovered).toBe(0);
  expect(await settle(behind, queue, jobs)).toEqual(["settled"]);
});

test("of what is over nothing is left but the queue's counters", async () => {
  const queue = settings({
    limits: { ...settings().limits, perKeyRate: { jobs: 1_000, perMs: 1_000 } },
  });
  const driver = open();
  const { admin, flows } = driver;
  const dedup = { key: "d", windowMs: 60_000 };
  await driver.enqueue(queue, [
    job(),
    job({ key: "a", priority: 3 }),
    job({ key: "a" }),
    job({ priority: 5 }),
    job({ dedup }),
    job({ delayMs: 20 }),
    job({ id: "cancelled" }),
    job({ id: "dead" }),
  ]);
  await admin?.cancel(queue, "cancelled");
  const child = { queue: "other", id: "child" };
  await flows?.hold(queue, job({ id: "parent" }), [child], { childDead: "fail" });
  await flows?.report(queue, "parent", child, { kind: "done", result: "1" });
  let settled = 0;
  await eventually("all are settled", async () => {
    const jobs = await claim(driver, queue);
    for (const each of jobs) {
      await admin?.progress(queue, each, "1");
      const verdict: Verdict =
        each.id === "dead"
          ? { kind: "dead", reason: "unrecoverable", failure: FAILURE }
          : each.attempt === 1
            ? { kind: "retry", delayMs: 0, failure: FAILURE }
            : DONE;
      await settle(driver, queue, [each], verdict);
      if (verdict.kind !== "retry") settled += 1;
    }
    return settled === 8 ? true : undefined;
  });
  expect(await admin?.purge(queue, ["dead"])).toBe(1);
  await eventually("the rate is forgotten", async () => {
    await driver.sweep(queue);
    const keys = (await redis().primary.command("KEYS", `*${queue.name}*`)) as string[];
    const left = keys.filter((key) => !key.endsWith(":wake"));
    return left.length === 1 && left[0] === `hrq:{${queue.name}}` ? true : undefined;
  });
});

test.each<[string, ClientOptions]>([
  ["a prefix of its own", { keyPrefix: "app:" }],
  ["numbers as texts", { stringNumbers: true }],
  ["pipelines of its own", { enableAutoPipelining: true }],
  ["the older protocol", { protocol: 2 }],
])("a client with %s will do", async (_, options) => {
  const queue = settings({ retention: { ...settings().retention, done: { ms: 1e6, count: 10 } } });
  const driver = open({}, connect(options));
  const heard = await waiting(driver, queue);
  const ended: unknown[] = [];
  const subscription = driver.subscribe(queue, ["ended"], (event) => ended.push(event));
  onTestFinished(() => subscription.close());
  await subscription.ready;
  const added = [job(), job({ id: "0", mayExist: true, key: "a" })];
  expect(await driver.enqueue(queue, added)).toMatchObject([
    { outcome: "added" },
    { outcome: "added" },
  ]);
  expect(await driver.enqueue(queue, added.slice(1))).toEqual([{ outcome: "duplicate", id: "0" }]);
  await eventually("it is told", () => (heard.told > 0 ? true : undefined));
  const jobs = await claim(driver, queue);
  expect(await settle(driver, queue, jobs)).toEqual(["settled", "settled"]);
  expect(await settle(driver, queue, jobs)).toEqual(["lost", "lost"]);
  expect(await driver.stats(queue)).toMatchObject({ active: 0, totals: { added: 2, ended: 2 } });
  await eventually("the ends are told", () => (ended.length === 2 ? true : undefined));
});
