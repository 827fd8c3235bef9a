import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { CoarseClock } from "./coarse-clock.ts";

test("one look at the clock serves all reads of a millisecond", async () => {
  const clock = createManualClock();
  let looks = 0;
  const coarse = new CoarseClock({
    ...clock,
    monotonicNow() {
      looks++;
      return clock.monotonicNow();
    },
  });
  expect([coarse.nowMs(), coarse.nowMs(), coarse.nowMs()]).toEqual([0, 0, 0]);
  expect(looks).toBe(1);
  await clock.advance(7);
  expect(coarse.nowMs()).toBe(7);
});

test("when nobody reads, no timer runs", async () => {
  const clock = createManualClock();
  const coarse = new CoarseClock(clock);
  coarse.nowMs();
  expect(clock.pending).toBe(1);
  await clock.advance(1);
  expect(clock.pending).toBe(0);
});
