import { expect, test } from "vitest";
import { calibrate } from "./calibration.ts";
import { FakeMachine } from "./fixtures/fake-machine.ts";

const pace = { rounds: 3, turnMs: 100, warmUpMs: 50, openLoopMs: 0 };

function machineRunning(operationNs: number) {
  const machine = new FakeMachine();
  const batches: number[] = [];
  const run = async (operations: number): Promise<void> => {
    batches.push(operations);
    machine.work(operations * operationNs);
  };
  return { machine, batches, run };
}

test("a turn gets as many operations as take its time", async () => {
  const { machine, run } = machineRunning(1_000);
  expect(await calibrate(run, pace, machine)).toBe(100_000);
});

test("nothing is measured before the warm-up time is spent", async () => {
  const { machine, run } = machineRunning(1_000);
  await calibrate(run, pace, machine);
  expect(machine.wallMs()).toBeGreaterThanOrEqual(pace.warmUpMs);
});

test("the operations of a batch double, from the least a turn may have", async () => {
  const { machine, batches, run } = machineRunning(5_000_000);
  await calibrate(run, pace, machine, 3);
  expect(batches).toEqual([3, 6, 12].slice(0, batches.length));
});

test("a turn has at least one operation, however slow, and at least as many as are in flight", async () => {
  const { machine, run } = machineRunning(1e9);
  expect(await calibrate(run, pace, machine)).toBe(1);
  expect(await calibrate(run, pace, machine, 64)).toBe(64);
});

test("an operation that takes no time at all does not run forever", async () => {
  const { machine, run } = machineRunning(0);
  expect(await calibrate(run, pace, machine)).toBe(2 ** 30);
});
