import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { NewJob, QueueSettings } from "../driver.ts";
import { RedisCalls } from "./redis-calls.ts";
import { redisDriverRules } from "./redis-driver-options.ts";
import { enqueued, RedisEnqueue, wholeMs } from "./redis-enqueue.ts";
import { RedisQueues } from "./redis-queue-rules.ts";
import { ENQUEUE, ENQUEUE_PLAIN } from "./redis-queue-scripts.ts";

const settings = (name: string, maxBacklog?: number): QueueSettings => ({
  name,
  maxBacklog,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
});

const job = (id: string, changes: Partial<NewJob> = {}): NewJob => ({
  id,
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
});

/** What was sent, as the script's name, the queue's first key and the script's arguments. */
function setup(reply: (args: RedisArgument[]) => unknown) {
  const sent: {
    readonly isPlain: boolean;
    readonly base: unknown;
    readonly args: RedisArgument[];
  }[] = [];
  const client: RedisConnection = {
    callBuffer: async (command, [sha, , base, ...args]) => {
      if (command !== "evalsha") return null;
      expect([ENQUEUE.sha, ENQUEUE_PLAIN.sha]).toContain(sha);
      sent.push({ isPlain: sha === ENQUEUE_PLAIN.sha, base, args });
      return reply(args);
    },
    connect: () => Promise.resolve(),
    duplicate: () => client,
    disconnect: () => {},
    on: () => {},
  };
  const rules = redisDriverRules({ clock: createManualClock(), allowEviction: true });
  const enqueue = new RedisEnqueue(new RedisCalls(client, rules), new RedisQueues("hrq"));
  return { sent, enqueue };
}

test("jobs of one turn of the event loop travel together, those of a queue", async () => {
  const { sent, enqueue } = setup((args) => args[1]);
  const photos = settings("photos");
  const outcomes = await Promise.all([
    enqueue.add(photos, [job("a")]),
    enqueue.add(photos, [job("b"), job("c")]),
    enqueue.add(settings("mail"), [job("d")]),
    enqueue.add(photos, []),
  ]);
  const added = (id: string) => ({ outcome: "added", id });
  expect(outcomes).toEqual([[added("a")], [added("b"), added("c")], [added("d")], []]);
  expect(sent.map(({ base, args }) => [base, ...args.slice(0, 5)])).toEqual([
    ["hrq:{photos}", "", 3, "a", "b", "c"],
    ["hrq:{mail}", "", 1, "d", expect.stringContaining('["d","work",5]')],
  ]);
});

test.each<[string, Partial<NewJob>]>([
  ["a key", { key: "" }],
  ["a priority", { priority: 1 }],
  ["a delay", { delayMs: 1 }],
  ["a dedup rule", { dedup: { key: "d", windowMs: undefined } }],
  ["an id that may exist", { mayExist: true }],
])("a job with %s goes job by job, and takes nobody else along", async (_, changes) => {
  const { sent, enqueue } = setup((args) => (args.length % 5 === 2 ? [0] : 1));
  await Promise.all([
    enqueue.add(settings("q"), [job("a", changes)]),
    enqueue.add(settings("q"), [job("b", { headers: { traceparent: "00" } })]),
  ]);
  expect(sent.map(({ isPlain }) => isPlain)).toEqual([false, true]);
});

test("what is beyond the backlog is full: the last ones", async () => {
  const { enqueue } = setup(() => 1);
  const outcomes = await enqueue.add(settings("q", 1), [job("a"), job("b")]);
  expect(outcomes).toEqual([{ outcome: "added", id: "a" }, { outcome: "full" }]);
});

test("arguments of one job: id, record, delay, whether it may exist, window", () => {
  const { enqueue } = setup(() => 1);
  const rule = { key: "d", windowMs: 1.5 };
  const args = enqueue.argumentsOf(job("a", { delayMs: 0.5, mayExist: true, dedup: rule }));
  expect(args).toEqual(["a", expect.stringMatching(/^1:[\w-]+\.0\|\|\|/), 1, 1, 2]);
  expect(enqueue.nonce()).not.toBe(enqueue.nonce());
});

test("a reply of one job, also from a client that gives numbers as texts", () => {
  expect(enqueued(0, "a")).toEqual({ outcome: "added", id: "a" });
  expect(enqueued(Buffer.from("0"), "a")).toEqual({ outcome: "added", id: "a" });
  expect(enqueued(-1, "a")).toEqual({ outcome: "full" });
  expect(enqueued(Buffer.from("=0"), "a")).toEqual({ outcome: "duplicate", id: "0" });
});

test("delays are whole milliseconds, and end", () => {
  expect([-1, 0, 0.1, Number.POSITIVE_INFINITY].map(wholeMs)).toEqual([0, 0, 1, 7e12]);
});
