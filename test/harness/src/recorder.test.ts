import { describe, expect, test } from "vitest";
import { createRecorder } from "./recorder.ts";

/** A clock that stands still unless it is moved. */
function manualClock(): { nowMs: number; monotonicNow: () => number } {
  const clock = { nowMs: 1000, monotonicNow: () => clock.nowMs };
  return clock;
}

function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

const refused = Object.assign(new Error("no"), { code: "ECONNREFUSED", syscall: "connect" });

describe("the recorder", () => {
  test("records an acknowledged operation with its result and times", async () => {
    const clock = manualClock();
    const log = createRecorder({ clock });
    const operation = await log.run({ kind: "enqueue", value: 7 }, async () => {
      clock.nowMs += 5;
      return "id-7";
    });
    const expected = {
      kind: "enqueue",
      value: 7,
      outcome: "ok",
      result: "id-7",
      startMs: 1000,
      endMs: 1005,
    };
    expect(operation).toMatchObject(expected);
    expect(log.history()).toEqual([operation]);
  });

  test("does not throw what went wrong, but tells failed from unknown", async () => {
    const log = createRecorder();
    const failed = await log.run({ kind: "add", value: 1 }, () => Promise.reject(refused));
    const lost = await log.run({ kind: "add", value: 2 }, () => {
      throw new Error("Command timed out");
    });
    expect(failed).toMatchObject({ outcome: "failed", error: refused });
    expect(lost).toMatchObject({ outcome: "unknown" });
  });

  test("takes the word of the caller who knows better what an error means", async () => {
    const log = createRecorder();
    const operation = await log.run(
      { kind: "add", value: 1 },
      () => Promise.reject(new Error("not enough replicas")),
      { classify: () => "failed" },
    );
    expect(operation.outcome).toBe("failed");
  });

  test("has an operation under way in its history as unknown, and later as it ended", async () => {
    const log = createRecorder();
    const { promise, resolve } = gate();
    const running = log.run({ kind: "enqueue", value: 1 }, () => promise);
    expect(log.history()).toMatchObject([{ kind: "enqueue", value: 1, outcome: "unknown" }]);
    expect(log.summary()).toMatchObject({ acked: 0, unknown: 1 });
    resolve();
    await running;
    expect(log.history()).toMatchObject([{ outcome: "ok" }]);
  });

  test("keeps the order of events of one millisecond", async () => {
    const log = createRecorder({ clock: manualClock() });
    const { promise, resolve } = gate();
    const outer = log.run({ kind: "outer" }, () => promise);
    await log.run({ kind: "inner" }, () => undefined);
    resolve();
    await outer;
    const order = log
      .history()
      .map(({ kind, startIndex, endIndex }) => [kind, startIndex, endIndex]);
    expect(order).toEqual([
      ["outer", 0, 3],
      ["inner", 1, 2],
    ]);
  });

  test("records what came by itself", () => {
    const log = createRecorder();
    log.observe({ kind: "dequeue", result: 9 });
    expect(log.history()).toMatchObject([{ kind: "dequeue", outcome: "ok", result: 9 }]);
  });

  test("sums up all kinds of operation or one, with its seed", async () => {
    const log = createRecorder({ seed: 42 });
    await log.run({ kind: "enqueue", value: 1 }, () => undefined);
    await log.run({ kind: "enqueue", value: 2 }, () => Promise.reject(refused));
    log.observe({ kind: "dequeue", result: 1 });
    expect(log.summary()).toMatchObject({ acked: 2, failed: 1, unknown: 0, seed: 42 });
    expect(log.summary("dequeue")).toMatchObject({ acked: 1, failed: 0 });
    expect(log.summary("enqueue").line).toMatch(
      /^enqueue: acked 1, failed 1, unknown 0, .* seed 42 \(ECONNREFUSED 1\)$/,
    );
  });

  test("measures the recovery of one kind of operation since its own time", async () => {
    const clock = manualClock();
    const log = createRecorder({ clock });
    const sinceMs = log.nowMs();
    clock.nowMs += 10;
    log.observe({ kind: "read", result: [] });
    clock.nowMs += 30;
    log.observe({ kind: "write", result: undefined });
    expect(log.recoveryMs(sinceMs, "read")).toBe(10);
    expect(log.recoveryMs(sinceMs, "write")).toBe(40);
    expect(log.recoveryMs(sinceMs)).toBe(30);
  });
});
