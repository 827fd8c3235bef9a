/** Flows and schedules on real servers, of which one may be away. */

import { randomUUID } from "node:crypto";
import { eventually, startPostgres, startRedis, useServers } from "@headroom/harness";
import {
  type ChildResult,
  createQueues,
  defineQueue,
  type FullCapabilities,
  type LinkedQueues,
  type QueueDriver,
  UnrecoverableError,
} from "@headroom/queue";
import { type PostgresDriver, postgresDriver } from "@headroom/queue/postgres";
import { type RedisDriver, redisDriver } from "@headroom/queue/redis";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres());
let pool: pg.Pool;

beforeAll(async () => {
  pool = new pg.Pool({ ...postgres().primary.connection(await database()), max: 20 });
  pool.on("error", () => {});
});
afterAll(() => pool.end());

async function database(): Promise<string> {
  await postgres().primary.query("CREATE DATABASE families");
  return "families";
}

function onRedis(): RedisDriver {
  const client = new Redis({ ...redis().primary.via, maxRetriesPerRequest: 1 });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return redisDriver(client, { timeoutMs: 1_000 });
}

const onPostgres = (): PostgresDriver => postgresDriver(pool);

/** Names of their own for each test, as the servers are one for all. */
function definitions() {
  const run = randomUUID();
  const retry = { attempts: 1 };
  return {
    albums: defineQueue<string, string>({ name: `albums-${run}`, retry }),
    crops: defineQueue<string, string>({ name: `crops-${run}`, retry }),
  };
}

function shown({ outcome }: ChildResult): string {
  if (outcome === undefined) return "?";
  return outcome.kind === "done" ? String(outcome.result) : outcome.reason;
}

const crop = async ({ data }: { data: string }): Promise<string> => {
  if (data === "bad") throw new UnrecoverableError("no");
  return data.toUpperCase();
};

const drivers: readonly (readonly [name: string, connect: () => QueueDriver<FullCapabilities>])[] =
  [
    ["Redis", onRedis],
    ["PostgreSQL", onPostgres],
  ];

describe.each(drivers)("on %s", (_, connect) => {
  test("families over two queues and two processes: each runs when its children have ended", async () => {
    const defined = definitions();
    const open = () => createQueues({ driver: connect(), queues: defined });
    await using one = open();
    await using two = open();
    const seen: string[] = [];
    for (const queues of [one, two]) {
      queues.worker({
        crops: crop,
        albums: async (job, context) => {
          seen.push(`${job.data}(${(await context.children()).map(shown).join(",")})`);
          return `${job.data}!`;
        },
      });
    }
    await one.albums.flow("year", {
      childDead: "continue",
      children: [
        one.albums.child("may", { children: [one.crops.child("a"), one.crops.child("b")] }),
        one.albums.child("june", { children: [one.crops.child("bad")] }),
        one.crops.child("cover"),
      ],
    });
    await eventually("the root has run", () => seen.length === 2);
    expect(seen).toEqual(["may(A,B)", "year(may!,child-dead,COVER)"]);
    expect(await one.albums.stats()).toMatchObject({ held: 0, ready: 0, dead: 1 });
  });

  test("a hundred children, and the parent has all their results", async () => {
    const defined = definitions();
    await using queues = createQueues({ driver: connect(), queues: defined });
    const results: string[] = [];
    queues.worker(
      {
        crops: crop,
        albums: async (_job, context) => {
          results.push(...(await context.children()).map(shown));
          return "";
        },
      },
      { concurrency: 20 },
    );
    const names = Array.from({ length: 100 }, (_each, at) => `c${at}`);
    await queues.albums.flow("all", { children: names.map((name) => queues.crops.child(name)) });
    await eventually("the parent has run", () => results.length > 0);
    expect(results).toEqual(names.map((name) => name.toUpperCase()));
  });

  test("a schedule in three processes fires each second once", async () => {
    const { albums } = definitions();
    const seen: string[] = [];
    const open = () => createQueues({ driver: connect(), queues: { albums } });
    await using one = open();
    await using two = open();
    await using three = open();
    for (const queues of [one, two, three]) {
      await queues.albums.schedule("tick", { everyMs: 1_000, data: "tick" });
    }
    one.worker({
      albums: async (job) => {
        seen.push(job.headers["scheduled-at"] ?? "");
        return "";
      },
    });
    await eventually("five ticks", () => seen.length >= 5);
    await one.albums.unschedule("tick");
    const times = seen.map((at) => Date.parse(at));
    expect(times).toEqual(times.map((_at, index) => (times[0] ?? 0) + index * 1_000));
  });
});

test("a parent on PostgreSQL is told of its child on Redis, also after its server was away", async () => {
  const { albums, crops } = definitions();
  const linked: LinkedQueues[] = [];
  const links = (): readonly LinkedQueues[] => linked;
  await using parents = createQueues({
    driver: onPostgres(),
    queues: { albums },
    name: "main",
    links,
  });
  await using children = createQueues({
    driver: onRedis(),
    queues: { crops },
    name: "media",
    links,
  });
  linked.push(parents, children);
  const seen: string[] = [];
  parents.worker({
    albums: async (job, context) => {
      seen.push(`${job.data}(${(await context.children()).map(shown).join(",")})`);
      return "";
    },
  });
  await parents.albums.flow("album", { children: [children.crops.child("a")] });
  const { link } = postgres().primary;
  link.refuse();
  link.resetAll();
  let ran = false;
  children.worker({
    crops: async (job) => {
      ran = true;
      return crop(job);
    },
  });
  await eventually("the child has run", () => ran);
  expect(seen).toEqual([]);
  link.open();
  await eventually("the parent has run", () => seen.length > 0);
  expect(seen).toEqual(["album(A)"]);
  await eventually("the child is settled", async () => (await children.crops.stats()).active === 0);
});

test("schedules go on after Redis was away", async () => {
  const { crops } = definitions();
  await using queues = createQueues({ driver: onRedis(), queues: { crops } });
  const seen: number[] = [];
  queues.worker({
    crops: async (job) => {
      seen.push(Date.parse(job.headers["scheduled-at"] ?? ""));
      return "";
    },
  });
  await queues.crops.schedule("tick", { everyMs: 1_000, data: "tick" });
  await eventually("a tick", () => seen.length > 0);
  await redis().primary.kill9();
  await redis().primary.restart();
  const before = seen.length;
  await eventually("more ticks", () => seen.length >= before + 2);
  expect(new Set(seen).size).toBe(seen.length);
});
