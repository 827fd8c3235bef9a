import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { sweepRegularly } from "./sweeping.ts";

test("it sweeps about every minute, soon again while batches are full, and after failures", async () => {
  const clock = createManualClock();
  const results: (number | Error)[] = [1_000, new Error("out"), 5];
  let sweeps = 0;
  const sweeper = {
    sweep: async () => {
      const result = results[sweeps++] ?? 0;
      if (result instanceof Error) throw result;
      return result;
    },
  };
  const stop = sweepRegularly(sweeper, clock, () => 0.5);
  await clock.advance(30_000);
  expect(sweeps).toBe(1);
  await clock.advance(100);
  expect(sweeps).toBe(2);
  await clock.advance(60_000);
  expect(sweeps).toBe(3);
  await clock.advance(60_000);
  expect(sweeps).toBe(4);
  stop();
  await clock.advance(600_000);
  expect(sweeps).toBe(4);
});
