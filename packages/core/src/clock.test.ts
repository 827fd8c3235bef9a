import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { afterThisTurn, requireDelay, sleepOn, systemClock, type Timer } from "./clock.ts";

const clockFile = new URL("./clock.ts", import.meta.url).href;

/** Runs `script` in a process of its own and gives what it printed. */
async function printedBy(script: string): Promise<string> {
  const source = `import { systemClock as clock } from ${JSON.stringify(clockFile)};\n${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    source,
  ]);
  return stdout.trim();
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the system clock", () => {
  test("tells the machine's wall time", () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  test("has a monotonic reading that does not go back", () => {
    const readings = Array.from({ length: 1_000 }, () => systemClock.monotonicNow());
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });

  test("never calls before the delay has passed on the monotonic clock", async () => {
    const early: number[] = [];
    for (const delayMs of [0.2, 1.3, 1.9, 2.5, 3.999]) {
      const startMs = systemClock.monotonicNow();
      await systemClock.sleep(delayMs);
      const passedMs = systemClock.monotonicNow() - startMs;
      if (passedMs < delayMs) early.push(delayMs);
    }
    expect(early).toEqual([]);
  });

  test("does not keep the process alive", async () => {
    expect(await printedBy(`clock.timer(() => {}, 60_000); console.log("end");`)).toBe("end");
    expect(await printedBy(`clock.sleep(60_000); console.log("end");`)).toBe("end");
    expect(await printedBy(`clock.timer(() => {}, 2 ** 31); console.log("end");`)).toBe("end");
  });

  test("waits for delays longer than Node's timers can hold", () => {
    vi.useFakeTimers();
    const dayMs = 86_400_000;
    let calls = 0;
    systemClock.timer(() => calls++, 60 * dayMs);
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(calls).toBe(0);
    vi.advanceTimersByTime(1);
    expect(calls).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("can be cancelled in the second stretch of a long delay", () => {
    vi.useFakeTimers();
    let calls = 0;
    const timer = systemClock.timer(() => calls++, 2 ** 32);
    vi.advanceTimersByTime(2 ** 31);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 ** 32);
    expect(calls).toBe(0);
  });

  test("never comes to an infinite delay", () => {
    vi.useFakeTimers();
    let calls = 0;
    const timer = systemClock.timer(() => calls++, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(2 ** 33);
    expect(calls).toBe(0);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("cancels its timer at the end of a `using` block", () => {
    vi.useFakeTimers();
    {
      using _timer = systemClock.timer(() => {}, 10);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  test("lets a timer be cancelled after it has fired, and twice", () => {
    vi.useFakeTimers();
    let calls = 0;
    const timer = systemClock.timer(() => calls++, 10);
    vi.advanceTimersByTime(10);
    timer.cancel();
    timer.cancel();
    expect(calls).toBe(1);
  });

  test("refuses a delay that is no number", async () => {
    expect(() => systemClock.timer(() => {}, Number.NaN)).toThrow(
      new TypeError("delayMs must be a number of milliseconds, got NaN"),
    );
    await expect(systemClock.sleep(Number.NaN)).rejects.toThrow(TypeError);
  });
});

describe("sleeping", () => {
  const reason = { why: "the caller left" };

  test("ends after the delay and leaves no listener on the signal", async () => {
    vi.useFakeTimers();
    const { signal } = new AbortController();
    const sleep = systemClock.sleep(50, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(50);
    await expect(sleep).resolves.toBeUndefined();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("rejects with the signal's own reason and leaves neither timer nor listener", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const sleep = systemClock.sleep(50, { signal: controller.signal });
    controller.abort(reason);
    await expect(sleep).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  test("does not begin when the signal is aborted already", async () => {
    vi.useFakeTimers();
    const signal = AbortSignal.abort(reason);
    await expect(systemClock.sleep(50, { signal })).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("works on any clock that has timers", async () => {
    const delays: number[] = [];
    const timer = (callback: () => void, delayMs: number): Timer => {
      delays.push(delayMs);
      queueMicrotask(callback);
      return { cancel() {}, [Symbol.dispose]() {} };
    };
    await sleepOn({ timer }, 123);
    expect(delays).toEqual([123]);
  });
});

test("a delay in the past means now", () => {
  expect(requireDelay(-5)).toBe(0);
  expect(requireDelay(0.5)).toBe(0.5);
  expect(() => requireDelay("5" as unknown as number)).toThrow(TypeError);
});

test("the end of a turn comes after its promises", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    afterThisTurn(() => {
      order.push("end");
      resolve();
    });
    queueMicrotask(() => order.push("promise"));
  });
  expect(order).toEqual(["promise", "end"]);
});
