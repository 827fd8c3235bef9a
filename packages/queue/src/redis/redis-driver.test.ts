// That it is a driver is shown on real servers (test/integration/queue-redis.test.ts). Here: what it sends.
import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import type { RedisScript } from "@headroom/core/redis-script";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { NewJob, QueueSettings, Settlement, Verdict } from "../driver.ts";
import { type RedisDriver, redisDriver } from "./redis-driver.ts";
import { CLAIM, ENQUEUE_PLAIN, EXTEND, SETTLE, STATS, SWEEP } from "./redis-queue-scripts.ts";

const NAMES = new Map<unknown, string>(
  Object.entries({ CLAIM, ENQUEUE_PLAIN, EXTEND, SETTLE, STATS, SWEEP }).map(
    ([name, { sha }]: [string, RedisScript]) => [sha, name],
  ),
);
const DONE: Verdict = { kind: "done", result: undefined };
const NOW_MS = 1_796_000_000_300;

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

const record = (id: string): Buffer =>
  Buffer.from(`1796000000000|1796000000250|1:n.0|||["${id}","work",5]\n{}`);

interface Sent {
  readonly script: string | undefined;
  readonly args: RedisArgument[];
}

function setup(reply: (sent: Sent) => unknown): {
  readonly driver: RedisDriver;
  readonly sent: Sent[];
  readonly clock: ReturnType<typeof createManualClock>;
} {
  const clock = createManualClock();
  const sent: Sent[] = [];
  const client: RedisConnection = {
    callBuffer: async (command, [sha, , , ...args]) => {
      if (command !== "evalsha") return null;
      const call = { script: NAMES.get(sha), args };
      sent.push(call);
      return reply(call);
    },
    connect: () => Promise.resolve(),
    duplicate: () => client,
    disconnect: () => {},
    on: () => {},
  };
  const driver = redisDriver(client, { clock, timeoutMs: 100, allowEviction: true });
  return { driver, sent, clock };
}

test("a claim is read as jobs, when to ask again, and what was swept", async () => {
  const notice = JSON.stringify(["d", "work", 5, "parents", "p"]);
  const { driver, sent } = setup(() => [
    NOW_MS,
    250,
    [record("a"), null],
    [2, Buffer.from(notice), Buffer.from('["e","work",1,false,false]')],
  ]);
  const claim = await driver.claim(settings, { limit: 5_000, leaseMs: 0.5 });
  expect(claim).toMatchObject({
    jobs: [{ id: "a", token: "a:1:n.0", attempt: 1, waitedMs: 50 }],
    nextMs: 250,
    swept: {
      recovered: 2,
      dead: [
        { id: "d", name: "work", attempts: 5, parent: { queue: "parents", id: "p" } },
        { id: "e", name: "work", attempts: 1, parent: undefined },
      ],
    },
  });
  expect(sent[0]?.args.slice(1)).toEqual([2_000, 1]);
});

test("settlements and a claim are one call, more than Lua can take are several", async () => {
  const { driver, sent } = setup(() => [[1], [NOW_MS, -1, [record("b")]]]);
  const one: Settlement = {
    job: {
      id: "a",
      token: "a:1:n.0",
      name: "work",
      body: "",
      headers: {},
      attempt: 1,
      maxAttempts: 1,
      priority: 0,
      key: undefined,
      dedup: undefined,
      parent: undefined,
      addedAtMs: 0,
      waitedMs: 0,
    },
    verdict: DONE,
  };
  const settled = await driver.settle(settings, Array<Settlement>(2_001).fill(one), {
    claim: { limit: 7, leaseMs: 9 },
  });
  expect(sent.map(({ args }) => args.slice(1, 4))).toEqual([
    [0, 0, 2_000],
    [7, 9, 1],
  ]);
  expect(settled.outcomes.filter((outcome) => outcome === "lost")).toHaveLength(2);
  expect([settled.outcomes.length, settled.claim?.jobs.length]).toEqual([2_001, 1]);
});

test("jobs that were claimed too late are given back with their attempt", async () => {
  let reply: (value: unknown) => void = () => {};
  const { driver, sent, clock } = setup(({ script }) =>
    script === "CLAIM"
      ? new Promise((resolve) => {
          reply = resolve;
        })
      : [[], 0],
  );
  const outcome = driver.claim(settings, { limit: 1, leaseMs: 1 }).catch((error: unknown) => error);
  await clock.advance(100);
  expect(await outcome).toMatchObject({ code: "QUEUE_UNAVAILABLE", retryable: true });
  reply([NOW_MS, -1, [record("a")]]);
  await clock.advance(0);
  expect(sent.at(-1)).toMatchObject({ script: "SETTLE" });
  expect(sent.at(-1)?.args.slice(1)).toEqual([0, 0, 0, "L", "a", "a:1:n.0", 0, ""]);
});

test("leases are extended in their order", async () => {
  const { driver } = setup(() => [1, 0, 2]);
  const leases = ["a", "b", "c"].map((id) => ({ id, token: `${id}:1:n.0` }));
  expect(await driver.extend(settings, leases, 5)).toEqual(["extended", "lost", "cancelled"]);
});

test("figures are read in their order", async () => {
  const { driver } = setup(() => [1, 2, 3, 4, 5, 1, -1, 8, 9]);
  expect(await driver.stats(settings)).toEqual({
    ready: 1,
    delayed: 2,
    active: 3,
    held: 4,
    dead: 5,
    paused: true,
    oldestReadyMs: undefined,
    totals: { added: 8, ended: 9 },
  });
});

test("what it cannot do it refuses, and after close everything", async () => {
  const { driver, sent } = setup(() => 1);
  const job: NewJob = {
    id: "a",
    mayExist: false,
    name: "work",
    body: "",
    headers: {},
    delayMs: 0,
    priority: 10,
    maxAttempts: 1,
    key: undefined,
    dedup: undefined,
    parent: undefined,
  };
  const unsupported = { code: "QUEUE_UNSUPPORTED" };
  await expect(driver.enqueue(settings, [job])).rejects.toMatchObject(unsupported);
  await expect(driver.enqueue(settings, [], { tx: {} })).rejects.toMatchObject(unsupported);
  await expect(driver.settle(settings, [], { tx: {} })).rejects.toMatchObject(unsupported);
  await driver.close();
  await expect(driver.stats(settings)).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
  expect(() => driver.subscribe(settings, ["ready"], () => {})).toThrow(/closed/);
  expect(sent).toEqual([]);
});

test("a client that is none is refused", () => {
  expect(() => redisDriver({} as never)).toThrow(TypeError);
});
