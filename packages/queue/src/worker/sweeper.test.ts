import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import type { Swept } from "../driver.ts";
import { Sweeper } from "./sweeper.ts";

function setup(sweep: () => Promise<Swept>) {
  const clock = createManualClock();
  const told: string[] = [];
  const sweeper = new Sweeper({
    driver: { sweep },
    settings: { name: "q" } as never,
    leaseMs: 15_000,
    clock,
    random: () => 1,
    swept: ({ recovered }) => told.push(`${clock.monotonicNow()}: ${recovered}`),
    failed: () => told.push(`${clock.monotonicNow()}: failed`),
  });
  sweeper.start();
  return { clock, told, sweeper };
}

test("it sweeps three times in a lease, and goes on when that fails", async () => {
  let calls = 0;
  const { clock, told, sweeper } = setup(async () => {
    calls += 1;
    if (calls === 2) throw new Error("down");
    return { recovered: calls, dead: [] };
  });
  await clock.advance(15_000);
  expect(told).toEqual(["5000: 1", "10000: failed", "15000: 3"]);
  sweeper.stop();
  expect(clock.pending).toBe(0);
});

test("one that is under way when it stops is waited for, and is the last", async () => {
  let answer = (_: Swept): void => {};
  const { clock, told, sweeper } = setup(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  await sweeper.idle();
  await clock.advance(5_000);
  sweeper.stop();
  const idle = sweeper.idle();
  answer({ recovered: 0, dead: [] });
  await idle;
  expect([told, clock.pending]).toEqual([["5000: 0"], 0]);
});
