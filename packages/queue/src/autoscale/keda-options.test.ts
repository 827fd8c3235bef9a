import { expect, test } from "vitest";
import { defineQueue } from "../definition.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { createQueues } from "../queues.ts";
import { type KedaOptions, kedaRules } from "./keda-options.ts";

const photos = { name: "photos", stats: () => Promise.reject(new Error("not asked")) };

test("what an endpoint for one queue needs is the workers' concurrency", () => {
  expect(kedaRules({ photos }, { concurrency: 10 })).toMatchObject({
    target: { concurrency: 10, targetClearMs: 60_000 },
    maxAgeMs: 1_000,
  });
});

test("what createQueues gives is queues, and nothing else", () => {
  const queues = createQueues({
    driver: memoryDriver(),
    queues: { mail: defineQueue({ name: "mail" }), news: defineQueue({ name: "news" }) },
  });
  expect([...kedaRules(queues, { concurrency: 1 }).queues.keys()]).toEqual(["mail", "news"]);
});

test("what is wrong is named", () => {
  const rules = (queues: object, options: object) => (): unknown =>
    kedaRules(queues as { photos: typeof photos }, options as KedaOptions);
  expect(rules({}, { concurrency: 1 })).toThrow(/at least one queue/);
  expect(rules({ photos: 5 }, { concurrency: 1 })).toThrow(/queues.photos must be an object/);
  expect(rules({ photos }, {})).toThrow(/concurrency/);
  expect(rules({ photos }, { concurrency: 1, runtime: 5 })).toThrow(/"runtimeMs"/);
});
