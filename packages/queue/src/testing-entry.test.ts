import { expect, test } from "vitest";
import { describeQueueDriver, queueDriverCases, runQueueModel } from "./testing-entry.ts";

test("the suite takes the functions of any framework", async () => {
  const described: string[] = [];
  const tests: string[] = [];
  const connect = (): never => {
    throw new Error("connected");
  };
  const runs: (() => Promise<void>)[] = [];
  describeQueueDriver("mine", () => ({ connect }), {
    describe: (name, cases) => {
      described.push(name);
      cases();
    },
    test: (name, run) => {
      tests.push(name);
      runs.push(run);
    },
  });
  expect(described).toEqual(["queue driver: mine"]);
  expect(tests).toEqual(queueDriverCases().map(({ name }) => name));
  await expect(runs[0]?.()).rejects.toThrow("connected");
});

test("the model is exported", () => {
  expect(runQueueModel).toBeTypeOf("function");
});
