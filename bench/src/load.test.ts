import { expect, test } from "vitest";
import { drive } from "./load.ts";

const stopped = { wallMs: () => 0 };

test("exactly so many operations run, never more in flight than asked for", async () => {
  const started: number[] = [];
  let inFlight = 0;
  let most = 0;
  await drive(
    async (index) => {
      started.push(index);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await Promise.resolve();
      inFlight -= 1;
    },
    10,
    4,
    stopped,
  );
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(most).toBe(4);
});

test("latency is measured operation by operation", async () => {
  let nowMs = 0;
  const takes = async (index: number): Promise<void> => {
    nowMs += index === 99 ? 500 : 2;
  };
  const driven = await drive(takes, 100, 1, { wallMs: () => nowMs });
  expect(driven).toEqual({ wallMs: 99 * 2 + 500, p50Ms: 2, p99Ms: 2 });
  const worst = await drive(() => takes(99), 1, 1, { wallMs: () => nowMs });
  expect(worst.p99Ms).toBe(500);
});

test("an operation that fails ends the turn with its error", async () => {
  const error = new Error("refused");
  const fails = async (index: number): Promise<void> => {
    if (index === 3) throw error;
  };
  await expect(drive(fails, 10, 2, stopped)).rejects.toBe(error);
});
