import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Appetite } from "./appetite.ts";
import { workerRules } from "./worker-options.ts";

function setup(options: Parameters<typeof workerRules>[0] = { concurrency: 10, prefetch: 10 }) {
  const clock = createManualClock();
  const asked: number[] = [];
  const rules = workerRules(options);
  const appetite = new Appetite({
    rules,
    jobSlots: rules.concurrency,
    clock,
    random: () => 1,
    ask: () => asked.push(clock.monotonicNow()),
  });
  return { clock, appetite, asked };
}

test("it takes half of its room at a time, and no few for a trip of their own", () => {
  const { appetite } = setup();
  expect(appetite.wanted(false, 0, true)).toBe(10);
  appetite.got(10, 10, undefined);
  expect(appetite.wanted(false, 10, false)).toBe(10);
  appetite.got(10, 10, undefined);
  expect(appetite.wanted(false, 18, false)).toBe(0);
  expect(appetite.wanted(true, 18, false)).toBe(2);
  expect(appetite.wanted(true, 20, false)).toBe(0);
  expect(appetite.wanted(false, 18, true)).toBe(2);
});

test("who got less than it asked for sleeps until something is due, a second at most", async () => {
  const { clock, appetite, asked } = setup();
  appetite.wanted(false, 0, true);
  appetite.got(3, 10, 200);
  expect([appetite.hungry, appetite.wanted(false, 0, true)]).toEqual([false, 0]);
  await clock.advance(200);
  expect([appetite.hungry, asked]).toEqual([true, [200]]);
  appetite.wanted(false, 0, true);
  appetite.got(0, 10, undefined);
  await clock.advance(1_000);
  expect(asked).toEqual([200, 1_200]);
});

test("a driver that says now is not asked without end", async () => {
  const { clock, appetite, asked } = setup();
  appetite.got(0, 10, 0);
  expect(asked).toEqual([]);
  await clock.advance(1);
  expect(asked).toEqual([1]);
});

test("what is told during a claim counts, though the claim has found nothing", () => {
  const { appetite, asked } = setup();
  appetite.wanted(false, 0, true);
  appetite.told();
  appetite.got(0, 10, undefined);
  expect([appetite.hungry, asked.length]).toEqual([true, 1]);
});

test("a rate bounds what is claimed, and wakes when there is room again", async () => {
  const { clock, appetite, asked } = setup({ concurrency: 10, rate: { jobs: 4, perMs: 1_000 } });
  expect(appetite.rated).toBe(true);
  expect(appetite.wanted(false, 0, true)).toBe(4);
  appetite.got(4, 4, undefined);
  expect(appetite.wanted(false, 0, true)).toBe(0);
  await clock.advance(250);
  expect(asked).toEqual([250]);
  expect(appetite.wanted(false, 0, true)).toBe(1);
});

test("stopped, it wants nothing and does not wake", async () => {
  const { clock, appetite, asked } = setup();
  appetite.got(0, 10, 100);
  appetite.stop();
  appetite.told();
  appetite.got(0, 10, 100);
  await clock.advance(1_000);
  expect([appetite.wanted(true, 0, true), appetite.hungry, asked]).toEqual([0, false, []]);
  expect(clock.pending).toBe(0);
});
