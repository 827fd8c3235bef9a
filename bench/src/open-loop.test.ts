import { describe, expect, test } from "vitest";
import type { Clock } from "../../packages/core/src/clock.ts";
import { createManualClock, type ManualClock } from "../../packages/core/src/testing.ts";
import { drive } from "./load.ts";
import { type LoopRequest, type OpenLoopOptions, openLoop, summarizeLoop } from "./open-loop.ts";

const SERVICE_MS = 5;
const STALL = { fromMs: 2_000, toMs: 2_500 };

/** Answers everybody in 5 ms, but nobody during half a second. */
function stallingServer(clock: Clock): () => Promise<void> {
  return () => {
    const nowMs = clock.monotonicNow();
    const isStalled = nowMs >= STALL.fromMs && nowMs < STALL.toMs;
    return clock.sleep((isStalled ? STALL.toMs - nowMs : 0) + SERVICE_MS);
  };
}

async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  while (await clock.advanceToNext());
  return work;
}

function loopOf(
  operation: (clock: ManualClock) => (index: number) => Promise<void>,
  options: Omit<OpenLoopOptions, "clock">,
): Promise<LoopRequest[]> {
  const clock = createManualClock();
  return passing(clock, openLoop(operation(clock), { ...options, clock }));
}

const fiveSeconds = { requestsPerSecond: 100, durationMs: 5_000 };

test("a server that stalls for 500 ms is seen in the p99, which a closed loop does not see", async () => {
  const { p50Ms, p99Ms } = summarizeLoop(await loopOf(stallingServer, fiveSeconds));
  expect(p50Ms).toBeCloseTo(SERVICE_MS);
  // 50 of the 500 requests were meant for the stall; the five slowest waited 465 to 505 ms.
  expect(p99Ms).toBeCloseTo(455);

  const clock = createManualClock();
  const stopwatch = { wallMs: () => clock.monotonicNow() };
  const closed = await passing(clock, drive(stallingServer(clock), 500, 1, stopwatch));
  expect(closed.wallMs).toBeGreaterThan(STALL.toMs);
  expect(closed.p99Ms).toBeCloseTo(SERVICE_MS);
});

test("requests leave by the clock, however slow the answers are", async () => {
  const sentMs: number[] = [];
  const requests = await loopOf(
    (clock) => async () => {
      sentMs.push(clock.monotonicNow());
      await clock.sleep(10_000);
    },
    { requestsPerSecond: 4, durationMs: 1_000 },
  );
  expect(sentMs).toEqual([0, 250, 500, 750]);
  expect(requests.map(({ meantMs }) => meantMs)).toEqual([0, 250, 500, 750]);
  expect(requests.map(({ latencyMs }) => latencyMs)).toEqual(Array(4).fill(10_000));
});

test("a pause of the sender counts for the requests that it held up, and none is left out", async () => {
  const clock = createManualClock();
  let pausedMs = 0;
  const paused: Clock = { ...clock, monotonicNow: () => clock.monotonicNow() + pausedMs };
  const operation = async (index: number): Promise<void> => {
    if (index === 1) pausedMs = 500;
  };
  const options = { requestsPerSecond: 10, durationMs: 1_000, clock: paused };
  const requests = await passing(clock, openLoop(operation, options));
  expect(requests).toHaveLength(10);
  expect(requests.map(({ latencyMs }) => Math.round(latencyMs))).toEqual([
    0, 500, 400, 300, 200, 100, 0, 0, 0, 0,
  ]);
});

describe("a request has failed", () => {
  test("when its operation rejects or throws", async () => {
    const requests = await loopOf(
      () => (index) => {
        if (index === 1) throw new Error("at once");
        return index === 2 ? Promise.reject(new Error("later")) : Promise.resolve();
      },
      { requestsPerSecond: 4, durationMs: 1_000 },
    );
    expect(requests.map(({ hasFailed }) => hasFailed)).toEqual([false, true, true, false]);
    expect(summarizeLoop(requests)).toMatchObject({ failed: 2, failedPercent: 50 });
  });

  test("when nothing was heard of it for too long, and the loop ends", async () => {
    const requests = await loopOf(
      () => (index) => (index === 0 ? new Promise(() => {}) : Promise.resolve()),
      { requestsPerSecond: 2, durationMs: 1_000, patienceMs: 3_000 },
    );
    expect(requests[0]).toEqual({ meantMs: 0, latencyMs: 3_500, hasFailed: true });
    expect(requests[1]).toMatchObject({ hasFailed: false });
  });
});
