import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { NewJob, QueueSettings } from "../driver.ts";
import { RedisCalls } from "./redis-calls.ts";
import { redisDriverRules } from "./redis-driver-options.ts";
import { RedisEnqueue } from "./redis-enqueue.ts";
import { RedisFlows } from "./redis-flows.ts";
import { RedisQueues } from "./redis-queue-rules.ts";

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: 5,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

const parent: NewJob = {
  id: "p",
  mayExist: false,
  name: "work",
  body: "{}",
  headers: {},
  delayMs: 250,
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
  return { sent, flows: new RedisFlows(calls, queues, new RedisEnqueue(calls, queues)) };
}

const children = [
  { queue: "crop", id: "1" },
  { queue: "blur", id: "2" },
];

test("a parent is sent with its children, and its delay for later", async () => {
  const { sent, flows } = setup(0);
  const held = await flows.hold(settings, parent, children, { childDead: "fail" });
  expect(held).toEqual({ outcome: "added", id: "p" });
  expect(sent[0]).toEqual([
    ...[5, 1, '[["crop","1"],["blur","2"]]'],
    ...["p", expect.stringContaining(",250]\n"), 250, 0, ""],
    ...["crop 1", "blur 2"],
  ]);
});

test("what children have become is read as it was reported", async () => {
  const outcomes = [
    { kind: "done", result: undefined },
    { kind: "done", result: "=1" },
    { kind: "dead", reason: "timeout" },
  ] as const;
  for (const outcome of outcomes) {
    const { sent, flows } = setup(0);
    await flows.report(settings, "p", { queue: "crop", id: "1" }, outcome);
    const [, , text] = sent[0] ?? [];
    const fields = ["left", "1", "=crop 1", String(text)].map((each) => Buffer.from(each));
    const list = Buffer.from('[["crop","1"],["blur","2"]]');
    expect(await setup([list, fields]).flows.children(settings, "p")).toEqual([
      { queue: "crop", id: "1", outcome },
      { queue: "blur", id: "2", outcome: undefined },
    ]);
  }
});

test("a parent of which nothing is known has no children", async () => {
  expect(await setup([null, []]).flows.children(settings, "p")).toEqual([]);
});
