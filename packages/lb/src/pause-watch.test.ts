import type { Clock, Timer } from "@headroom/core/clock";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { PauseWatch } from "./pause-watch.ts";

/** A clock whose process can stand still: time goes on, and timers are called late. */
function pausableClock() {
  let nowMs = 0;
  const timers: { callback: () => void; dueMs: number }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    monotonicNow: () => nowMs,
    sleep: () => Promise.reject(new Error("not here")),
    timer(callback, delayMs): Timer {
      const timer = { callback, dueMs: nowMs + delayMs };
      timers.push(timer);
      const cancel = (): void => void timers.splice(timers.indexOf(timer), 1);
      return { cancel, [Symbol.dispose]: cancel };
    },
  };
  return {
    clock,
    get timers() {
      return timers.length;
    },
    standStill(ms: number) {
      nowMs += ms;
    },
    callTimers() {
      for (const timer of timers.splice(0)) {
        if (timer.dueMs <= nowMs) timer.callback();
        else timers.push(timer);
      }
    },
  };
}

test("a process that runs freely has not paused", async () => {
  const clock = createManualClock();
  const watch = new PauseWatch(clock);
  watch.enter(clock.monotonicNow());
  await clock.advance(10_000);
  expect(watch.pausedMs(clock.monotonicNow())).toBe(0);
});

test("a pause is what the timer is late by", () => {
  const process = pausableClock();
  const watch = new PauseWatch(process.clock);
  watch.enter(0);
  process.standStill(1_050);
  process.callTimers();
  expect(watch.pausedMs(1_050)).toBe(1_000);
});

test("a pause is seen by who is called before the timer", () => {
  const process = pausableClock();
  const watch = new PauseWatch(process.clock);
  watch.enter(0);
  process.standStill(1_050);
  expect(watch.pausedMs(1_050)).toBe(1_000);
  process.callTimers();
  expect(watch.pausedMs(1_050), "and is not counted twice").toBe(1_000);
});

test("watches only while something is under way", () => {
  const process = pausableClock();
  const watch = new PauseWatch(process.clock);
  expect(process.timers).toBe(0);
  watch.enter(0);
  watch.enter(0);
  expect(process.timers).toBe(1);
  watch.leave();
  process.standStill(50);
  process.callTimers();
  expect(process.timers).toBe(1);
  watch.leave();
  process.standStill(50);
  process.callTimers();
  expect(process.timers).toBe(0);
  process.standStill(60_000);
  expect(watch.pausedMs(60_100), "an idle time is no pause").toBe(0);
});

test("close ends it", () => {
  const process = pausableClock();
  const watch = new PauseWatch(process.clock);
  watch.enter(0);
  watch.close();
  expect(process.timers).toBe(0);
});
