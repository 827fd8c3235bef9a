import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { ChildVariant } from "./child-variant.ts";

// Processes take their time to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const areaFile = fileURLToPath(new URL("./fixtures/areas/toy.ts", import.meta.url));
const place = { areaFile, caseName: "answer", variant: "ours", shared: { answer: 42 } };

function isRunning(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a variant's process measures its own turns and ends when it is disposed", async () => {
  const child = new ChildVariant();
  await child.ask({ order: "open", ...place }, "opened");
  const { turn } = await child.ask({ order: "turn", operations: 1_000 }, "turned");
  expect(turn.cpuUs).toBeGreaterThan(0);
  expect(turn.wallMs).toBeGreaterThan(0);
  expect(turn.p99Ms).toBeGreaterThanOrEqual(turn.p50Ms);
  expect(isRunning(child.pid)).toBe(true);
  await child[Symbol.asyncDispose]();
  expect(isRunning(child.pid)).toBe(false);
});

test("what a variant throws arrives as its own error", async () => {
  await using child = new ChildVariant();
  const opened = child.ask({ order: "open", ...place, variant: "cannot open" }, "opened");
  await expect(opened).rejects.toThrow("no such server");
});

test("a process that dies fails the turn it is in and every later one", async () => {
  await using child = new ChildVariant();
  await child.ask({ order: "open", ...place, variant: "dies" }, "opened");
  const turn = (): Promise<unknown> => child.ask({ order: "turn", operations: 1 }, "turned");
  await expect(turn()).rejects.toThrow("ended with exit code 3");
  await expect(turn()).rejects.toThrow("ended with exit code 3");
});
