import { expect, test } from "vitest";
import { z } from "zod";
import type { Capabilities } from "./capabilities.ts";
import { defineQueue } from "./definition.ts";
import type { QueueDriver } from "./driver.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { MEMORY_CAPABILITIES } from "./memory/supported.ts";
import { createQueues } from "./queues.ts";

const poor = memoryDriver({
  like: {
    ...MEMORY_CAPABILITIES,
    delayMs: 0,
    priorities: 1,
    keys: false,
    dedup: false,
    limits: false,
    maxBacklog: false,
    results: false,
    deadLetters: false,
    admin: false,
  } as const,
});

test("what a driver lacks does not compile, and is refused at boot by name", () => {
  const keyed = defineQueue({ name: "keyed", key: () => "k", dead: false });
  // @ts-expect-error: this driver does not support keys
  expect(() => createQueues({ driver: poor, queues: { keyed } })).toThrow("not support keys");
  const counted = defineQueue({ name: "counted", output: z.number(), maxBacklog: 1, dead: false });
  // @ts-expect-error: nor results, nor maxBacklog
  expect(() => createQueues({ driver: poor, queues: { counted } })).toThrow("maxBacklog, results");
  const plain = defineQueue({ name: "plain" });
  // @ts-expect-error: nor dead letters, which are kept by default
  expect(() => createQueues({ driver: poor, queues: { plain } })).toThrow(
    'emulate ["deadLetters"]',
  );
});

test("what it lacks may be emulated by name, or done without", () => {
  const plain = defineQueue({ name: "plain" });
  const bare = defineQueue({ name: "bare", dead: false });
  expect(() => createQueues({ driver: poor, queues: { bare } })).not.toThrow();
  expect(() =>
    createQueues({ driver: poor, queues: { plain }, emulate: ["deadLetters"] }),
  ).not.toThrow();
});

test("methods and options of what it lacks are not there", async () => {
  const bare = defineQueue({ name: "bare", dead: false });
  const { bare: queue } = createQueues({ driver: poor, queues: { bare } });
  // @ts-expect-error: no delays
  await expect(queue.add(1, { delayMs: 5 })).rejects.toThrow("delayMs");
  // @ts-expect-error: no priorities
  await expect(queue.add(1, { priority: 1 })).rejects.toThrow("priority");
  // @ts-expect-error: no transactions
  await expect(queue.add(1, { tx: {} })).rejects.toThrow("tx");
  // @ts-expect-error: no administration
  await expect(queue.pause()).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
  // @ts-expect-error: no dead letters
  await expect(queue.dead.list()).rejects.toMatchObject({ code: "QUEUE_UNSUPPORTED" });
});

test("a driver of which the compiler knows nothing is checked at boot alone", () => {
  const unknown: QueueDriver<Capabilities> = poor;
  const keyed = defineQueue({ name: "keyed", key: () => "k", dead: false });
  expect(() => createQueues({ driver: unknown, queues: { keyed } })).toThrow(
    expect.objectContaining({ code: "QUEUE_UNSUPPORTED", queue: "keyed" }),
  );
  const typed = defineQueue<number>({ name: "typed", key: String });
  expect(() => createQueues({ driver: poor, queues: { typed } })).toThrow("keys");
});
