import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { postgresDriver } from "./postgres-driver.ts";

const PHOTOS: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

/** What the driver does is tested on a server; here is what it does without one. */
function pooled(
  answer: () => Promise<{ rows: Record<string, unknown>[] }> = async () => ({ rows: [] }),
) {
  const texts: string[] = [];
  const query = (text: string) => {
    texts.push(text);
    return answer();
  };
  const client = Object.assign(new EventEmitter(), { query, release: () => {} });
  const driver = postgresDriver(
    { query, connect: async () => client },
    { migrate: false, listen: false },
  );
  return { driver, texts };
}

test("it says what it can do, and what it cannot be made with", () => {
  const { capabilities, name } = pooled().driver;
  expect([name, capabilities.durability, capabilities.transactions]).toEqual([
    "postgresql",
    "fsync",
    true,
  ]);
  expect(() => postgresDriver({} as never)).toThrow(/pool must be an object with query, connect/);
  expect(() => postgresDriver(pooled() as never, { schem: "a" } as never)).toThrow();
});

test("adds of one turn are one statement", async () => {
  const { driver, texts } = pooled();
  await Promise.all(Array.from({ length: 30 }, () => driver.enqueue(PHOTOS, [newJob()])));
  expect(texts.filter((text) => text.includes("add_jobs"))).toHaveLength(1);
});

test("settling and claiming are one statement", async () => {
  const { driver, texts } = pooled(async () => ({
    rows: [{ lost: null, watched: false, again: false, id: null, next: 5 }],
  }));
  const job = { id: "a", token: "a:1:x" } as never;
  const settled = await driver.settle(
    PHOTOS,
    [{ job, verdict: { kind: "done", result: undefined } }],
    {
      claim: { limit: 1, leaseMs: 1 },
    },
  );
  expect(settled).toEqual({ outcomes: ["settled"], claim: { jobs: [], nextMs: 5 } });
  expect(texts).toHaveLength(1);
});

test("a priority beyond the highest is refused", async () => {
  const { driver, texts } = pooled();
  await expect(driver.enqueue(PHOTOS, [newJob({ priority: 10 })])).rejects.toMatchObject({
    code: "QUEUE_UNSUPPORTED",
  });
  expect(texts).toEqual([]);
});

test("close waits for what was begun, and then nothing more is done", async () => {
  const { driver, texts } = pooled();
  const adding = driver.enqueue(PHOTOS, [newJob()]);
  await driver.close();
  await driver.close();
  await expect(adding).resolves.toMatchObject([{ outcome: "added" }]);
  expect(texts.some((text) => text.includes("add_jobs"))).toBe(true);
  await expect(driver.claim(PHOTOS, { limit: 1, leaseMs: 1 })).rejects.toMatchObject({
    code: "QUEUE_CLOSED",
  });
  await expect(driver.admin.find(PHOTOS, "a")).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
});
