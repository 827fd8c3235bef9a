import { createManualClock } from "@headroom/core/testing";
import { expect, expectTypeOf, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { QueueSettings } from "../driver.ts";
import { memoryDriver } from "./memory-driver.ts";
import { MEMORY_CAPABILITIES } from "./supported.ts";

// What a driver does: driver-conformance.test.ts.

const QUEUE: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1e9, count: 10 } },
};
const CLAIM = { limit: 10, leaseMs: 1_000 };

test("two drivers of one server work on the same jobs, and one closes alone", async () => {
  const one = memoryDriver();
  const two = memoryDriver({ shared: one.server });
  await one.enqueue(QUEUE, [newJob({ id: "a" })]);
  await one.close();
  await expect(one.stats(QUEUE)).rejects.toMatchObject({ code: "QUEUE_CLOSED", queue: "photos" });
  expect((await two.claim(QUEUE, CLAIM)).jobs).toMatchObject([{ id: "a" }]);
});

test("drivers that share nothing are apart", async () => {
  await memoryDriver().enqueue(QUEUE, [newJob()]);
  expect((await memoryDriver().claim(QUEUE, CLAIM)).jobs).toEqual([]);
});

test("a test can look at all jobs", async () => {
  const driver = memoryDriver();
  await driver.enqueue(QUEUE, [newJob({ id: "a" }), newJob({ id: "b" })]);
  await driver.claim(QUEUE, { ...CLAIM, limit: 1 });
  expect(driver.jobs("photos").map(({ id, state }) => [id, state])).toEqual([
    ["a", "active"],
    ["b", "ready"],
  ]);
  expect(driver.jobs("other")).toEqual([]);
});

test("a day passes at once", async () => {
  const clock = createManualClock();
  const driver = memoryDriver({ clock });
  await driver.enqueue(QUEUE, [newJob({ id: "a", delayMs: 86_400_000 })]);
  expect(await driver.claim(QUEUE, CLAIM)).toEqual({ jobs: [], nextMs: 86_400_000 });
  await clock.advance(86_400_000);
  expect((await driver.claim(QUEUE, CLAIM)).jobs).toMatchObject([{ id: "a", waitedMs: 0 }]);
});

test("its capabilities are in its type, less what it is told that it cannot do", () => {
  expectTypeOf(memoryDriver().capabilities.keys).toEqualTypeOf<true>();
  expectTypeOf(memoryDriver().capabilities.transactions).toEqualTypeOf<false>();
  const like = { ...MEMORY_CAPABILITIES, keys: false, admin: false } as const;
  const driver = memoryDriver({ like });
  expectTypeOf(driver.capabilities.keys).toEqualTypeOf<false>();
  expect(driver.capabilities).toEqual(like);
  expect(driver.admin).toBeUndefined();
  expect(driver.flows).toBeDefined();
});

test("wrong options are refused", () => {
  expect(() => memoryDriver({ clocks: 1 } as never)).toThrow('did you mean "clock"?');
  const { server } = memoryDriver();
  const clock = createManualClock();
  expect(() => memoryDriver({ shared: server, clock })).toThrow("leave them out");
});
