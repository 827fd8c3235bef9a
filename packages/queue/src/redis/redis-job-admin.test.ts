import type { RedisArgument, RedisConnection } from "@headroom/core/redis-client";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { QueueSettings } from "../driver.ts";
import { RedisCalls } from "./redis-calls.ts";
import { redisDriverRules } from "./redis-driver-options.ts";
import { RedisJobAdmin } from "./redis-job-admin.ts";
import { RedisQueues } from "./redis-queue-rules.ts";

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

function setup(replies: unknown[]) {
  const sent: RedisArgument[][] = [];
  const client: RedisConnection = {
    callBuffer: async (command, [, , , , ...args]) => {
      if (command !== "evalsha") return null;
      sent.push(args);
      return replies.shift();
    },
    connect: () => Promise.resolve(),
    duplicate: () => client,
    disconnect: () => {},
    on: () => {},
  };
  const rules = redisDriverRules({ clock: createManualClock(), allowEviction: true });
  const admin = new RedisJobAdmin(new RedisCalls(client, rules), new RedisQueues("hrq"));
  return { sent, admin };
}

const description = [
  Buffer.from('1796000000000|1796000000000|1:n.0|||["a","work",5]\n{}'),
  Buffer.from("ready"),
  null,
  null,
  null,
];

test("a page is jobs and a cursor, without those that went meanwhile", async () => {
  const { sent, admin } = setup([[Buffer.from("7"), description, null], [null]]);
  const { jobs, cursor } = await admin.list(settings, "ready", { limit: 2 });
  expect([jobs.map(({ id }) => id), cursor]).toEqual([["a"], "7"]);
  const last = await admin.list(settings, "ready", { limit: 2, cursor });
  expect(last).toEqual({ jobs: [], cursor: undefined });
  expect(sent).toEqual([
    ["ready", 2, ""],
    ["ready", 2, "7"],
  ]);
});

test("many are purged and redriven in parts, until there are no more", async () => {
  const { sent, admin } = setup([500, 3, 0, 500, 200, 2]);
  expect(await admin.purge(settings, ["dead", "active", "ready", "dead"])).toBe(503);
  expect(await admin.redrive(settings, { limit: 700 })).toBe(700);
  expect(await admin.redrive(settings, { ids: ["a", "b"] })).toBe(2);
  expect(sent).toEqual([
    ["dead", 500],
    ["dead", 500],
    ["ready", 500],
    [500],
    [200],
    ["", "a", "b"],
  ]);
});

test("a job that is not there is none", async () => {
  const { admin } = setup([null, 0, 0]);
  expect(await admin.find(settings, "a")).toBeUndefined();
  expect(await admin.cancel(settings, "a")).toBe(false);
  expect(await admin.progress(settings, { id: "a", token: "a:1:n.0" }, "1")).toBe(false);
});
