import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { QueueDriver } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { MEMORY_CAPABILITIES } from "../memory/supported.ts";
import { type Bench, can, first, type QueueDriverSetup, queueCase } from "./conformance-bench.ts";

function setup(changes: Partial<QueueDriverSetup> = {}): QueueDriverSetup {
  const clock = createManualClock();
  const { server } = memoryDriver({ clock });
  return {
    connect: () => memoryDriver({ shared: server }),
    advance: (ms) => clock.advance(ms),
    ...changes,
  };
}

async function inBench(
  run: (bench: Bench) => Promise<void>,
  changes?: Partial<QueueDriverSetup>,
): Promise<void> {
  await queueCase("", [], run).run(setup(changes));
}

test("a case has two clients and a queue of its own, and closes what it opened", async () => {
  const opened: QueueDriver[] = [];
  let name = "";
  const { connect } = setup();
  const noting = async (): Promise<QueueDriver> => {
    const driver = await connect();
    opened.push(driver);
    return driver;
  };
  await inBench(
    async (bench) => {
      name = bench.queue.name;
      expect(bench.name()).not.toBe(name);
      const id = await bench.add();
      expect((await bench.claimOne({ by: bench.other })).id).toBe(id);
      await bench.connect();
    },
    { connect: noting },
  );
  expect(opened).toHaveLength(3);
  for (const driver of opened) await expect(driver.close()).resolves.toBeUndefined();
  await inBench(async (bench) => expect(bench.queue.name).not.toBe(name));
});

test("a case does nothing for a driver that cannot do what it is about", async () => {
  const like = { ...MEMORY_CAPABILITIES, keys: false };
  let ran = 0;
  const run = async (): Promise<void> => void ran++;
  await queueCase("", ["keys"], run).run(setup({ connect: () => memoryDriver({ like }) }));
  expect(ran).toBe(0);
  await queueCase("", ["dedup"], run).run(setup({ connect: () => memoryDriver({ like }) }));
  expect(ran).toBe(1);
});

test("a delay of some milliseconds is no capability to be tested with minutes", () => {
  expect(can({ ...MEMORY_CAPABILITIES, delayMs: 100 }, "delay")).toBe(false);
  expect(can(MEMORY_CAPABILITIES, "delay")).toBe(true);
  expect(can({ ...MEMORY_CAPABILITIES, priorities: 1 }, "priorities")).toBe(false);
});

test("what does not come in time fails the case", async () => {
  const waiting = inBench((bench) => bench.eventually("it comes", () => false));
  await expect(waiting).rejects.toMatchObject({ code: "ERR_ASSERTION", message: /it comes/ });
  await expect(inBench(async (bench) => void (await bench.claimOne()))).rejects.toThrow("1 jobs");
});

test("durations grow by the scale, and those who wait beside each other wait once", async () => {
  const passed: number[] = [];
  const advance = async (ms: number): Promise<void> => void passed.push(ms);
  await inBench(
    async ({ ms, pass }) => {
      expect(ms(10)).toBe(30);
      await Promise.all([pass(10), pass(10)]);
      await pass(5);
    },
    { advance, scale: 3 },
  );
  expect(passed).toEqual([30, 15]);
});

test("one is one", () => {
  expect(first(["a"])).toBe("a");
  expect(() => first([])).toThrow("one was due, got 0");
  expect(() => first([1, 2])).toThrow("one was due, got 2");
});
