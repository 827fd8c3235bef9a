import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { NewJob, QueueSettings } from "../driver.ts";
import { RedisCalls } from "./redis-calls.ts";
import { redisDriverRules } from "./redis-driver-options.ts";
import { RedisEnqueue } from "./redis-enqueue.ts";
import { RedisQueues } from "./redis-queue-rules.ts";
import { RedisSchedules } from "./redis-schedules.ts";

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

const job: NewJob = {
  id: "nightly:1",
  mayExist: true,
  name: "work",
  body: "{}",
  headers: {},
  delayMs: 0,
  priority: 0,
  maxAttempts: 5,
  key: undefined,
  dedup: undefined,
  parent: undefined,
};

function setup(reply: unknown) {
  const sent: RedisArgument[][] = [];
  const client: RedisConnection = {
    callBuffer: async (command, [, , , , ...args]) => {
      if (command !== "evalsha") return null;
      sent.push(args);
      return reply;
    },
    connect: () => Promise.resolve(),
    duplicate: () => client,
    disconnect: () => {},
    on: () => {},
  };
  const rules = redisDriverRules({ clock: createManualClock(), allowEviction: true });
  const calls = new RedisCalls(client, rules);
  const queues = new RedisQueues("hrq");
  return { sent, schedules: new RedisSchedules(calls, queues, new RedisEnqueue(calls, queues)) };
}

test.each([
  [0, { outcome: "fired" }],
  [-1, { outcome: "already" }],
  [250, { outcome: "early", inMs: 250 }],
])("a tick whose script answers %d is told", async (reply, outcome) => {
  const { sent, schedules } = setup(reply);
  expect(await schedules.fire(settings, "nightly", 1_796_000_000_000, job)).toEqual(outcome);
  expect(sent[0]).toEqual([
    ...["nightly", 1_796_000_000_000],
    ...["nightly:1", expect.stringContaining('"work"'), 0, 1, ""],
  ]);
});

test("the last tick and the server's time are texts of whole milliseconds", async () => {
  const { schedules } = setup([Buffer.from("1796000000000"), Buffer.from("1796000000001")]);
  expect(await schedules.begin(settings, "nightly")).toEqual({
    lastTickMs: 1_796_000_000_000,
    nowMs: 1_796_000_000_001,
  });
});

test("a schedule that is forgotten is named", async () => {
  const { sent, schedules } = setup(1);
  await schedules.forget(settings, "nightly");
  expect(sent).toEqual([["nightly"]]);
});
