import { expect, test } from "vitest";
import { memoryDriver } from "../memory/memory-driver.ts";
import { MEMORY_CAPABILITIES } from "../memory/supported.ts";
import type { QueueDriverSetup } from "./conformance-bench.ts";
import { transactionCases } from "./transaction-cases.ts";

test("every case has a name of its own", () => {
  const names = transactionCases.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(3);
  expect(new Set(names).size).toBe(names.length);
});

/** Says that it has transactions, and does what it is told at once. */
function pretender(): QueueDriverSetup {
  const { server } = memoryDriver();
  return {
    connect: () => {
      const driver = memoryDriver({ shared: server });
      return Object.assign(driver, {
        capabilities: { ...MEMORY_CAPABILITIES, transactions: true },
        enqueue: (
          (enqueue): typeof enqueue =>
          (queue, jobs) =>
            enqueue(queue, jobs)
        )(driver.enqueue),
        settle: (
          (settle): typeof settle =>
          (queue, each) =>
            settle(queue, each)
        )(driver.settle),
      });
    },
    transaction: (_, run) => run({}),
  };
}

test("a driver that does not wait for the transaction's end is found out", async () => {
  const failed: string[] = [];
  for (const { name, run } of transactionCases) {
    await run(pretender()).catch(() => failed.push(name));
  }
  expect(failed).toEqual([
    "what is added in a transaction is there after it",
    "what was rolled back was never added",
    "a job is done with its transaction",
  ]);
});
