import { expect, test } from "vitest";
import type { Capabilities } from "../capabilities.ts";
import { newJob } from "../conformance/conformance-bench.ts";
import type { NewJob, QueueSettings } from "../driver.ts";
import {
  capabilitiesLike,
  MEMORY_CAPABILITIES,
  requireSupported,
  requireSupportedJob,
  requireSupportedQueue,
  requireSupportedVerdict,
} from "./supported.ts";

const FULL: Capabilities = MEMORY_CAPABILITIES;
const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: {
    concurrency: undefined,
    rate: undefined,
    perKeyConcurrency: 1,
    perKeyRate: undefined,
  },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

test("what another driver can and memory cannot is left out", () => {
  const caps = capabilitiesLike({
    ...FULL,
    priorities: 255,
    keys: false,
    transactions: true,
    durability: "fsync",
  });
  expect(caps).toEqual({ ...FULL, keys: false });
});

test.each<[keyof Capabilities, Partial<QueueSettings>]>([
  ["limits", { limits: { ...QUEUE.limits, concurrency: 1 } }],
  ["limits", { limits: { ...QUEUE.limits, perKeyConcurrency: 2 } }],
  ["limits", { limits: { ...QUEUE.limits, rate: { jobs: 1, perMs: 1 } } }],
  ["maxBacklog", { maxBacklog: 1 }],
  ["results", { retention: { ...QUEUE.retention, done: { ms: 1, count: 1 } } }],
])("without %s a queue that asks for it is refused", (name, changes) => {
  const queue = { ...QUEUE, ...changes };
  expect(() => requireSupportedQueue(FULL, queue)).not.toThrow();
  expect(() => requireSupportedQueue({ ...FULL, [name]: false }, QUEUE)).not.toThrow();
  expect(() => requireSupportedQueue({ ...FULL, [name]: false }, queue)).toThrow(name);
});

test.each<[keyof Capabilities, number | boolean, Partial<NewJob>]>([
  ["delayMs", 10, { delayMs: 11 }],
  ["priorities", 2, { priority: 2 }],
  ["keys", false, { key: "" }],
  ["dedup", false, { dedup: { key: "", windowMs: 1 } }],
  ["flows", false, { parent: { queue: "a", id: "b" } }],
])("without %s a job that asks for it is refused", (name, value, changes) => {
  const caps = { ...FULL, [name]: value };
  expect(() => requireSupportedJob(FULL, "photos", newJob(changes))).not.toThrow();
  expect(() => requireSupportedJob(caps, "photos", newJob())).not.toThrow();
  expect(() => requireSupportedJob(caps, "photos", newJob(changes))).toThrow(name);
});

test("a verdict may not delay longer than a job, nor have a result that nobody keeps", () => {
  const caps = { ...FULL, delayMs: 10, results: false };
  const check = (verdict: Parameters<typeof requireSupportedVerdict>[2]["verdict"]) => () =>
    requireSupportedVerdict(caps, "photos", { job: {} as never, verdict });
  expect(check({ kind: "release", delayMs: 10 })).not.toThrow();
  expect(check({ kind: "release", delayMs: 11 })).toThrow("delayMs");
  expect(check({ kind: "done", result: undefined })).not.toThrow();
  expect(check({ kind: "done", result: "1" })).toThrow("results");
});

test("a refusal has its code, and its queue", () => {
  const refuse = (): void => requireSupported(FULL, "photos", "transactions");
  expect(refuse).toThrow(expect.objectContaining({ code: "QUEUE_UNSUPPORTED", queue: "photos" }));
});
