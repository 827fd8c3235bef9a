import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createManualClock } from "./testing.ts";

describe("a manual clock", () => {
  test("stands still by itself", async () => {
    const clock = createManualClock({ nowMs: 5_000 });
    await new Promise((resolve) => setImmediate(resolve));
    expect([clock.now(), clock.monotonicNow(), clock.pending]).toEqual([5_000, 0, 0]);
  });

  test("moves both readings together", async () => {
    const clock = createManualClock({ nowMs: 5_000 });
    await clock.advance(1_500);
    expect([clock.now(), clock.monotonicNow()]).toEqual([6_500, 1_500]);
  });

  test("gives whole milliseconds as wall time, as Date.now does", async () => {
    const clock = createManualClock({ nowMs: 10 });
    await clock.advance(0.75);
    expect([clock.now(), clock.monotonicNow()]).toEqual([10, 0.75]);
    await clock.advance(0.25);
    expect(clock.now()).toBe(11);
  });

  test("fires a timer at its instant and not before", async () => {
    const clock = createManualClock();
    const firedAt: number[] = [];
    clock.timer(() => firedAt.push(clock.monotonicNow()), 100);
    await clock.advance(99.9);
    expect(firedAt).toEqual([]);
    await clock.advance(50);
    expect(firedAt).toEqual([100]);
  });

  test("never fires before `timer` has returned, not even without a delay", async () => {
    const clock = createManualClock();
    let fired = false;
    clock.timer(() => {
      fired = true;
    }, 0);
    expect(fired).toBe(false);
    await clock.advance(0);
    expect(fired).toBe(true);
  });

  test("cancelled timers do not fire, also when a timer of the same instant cancels them", async () => {
    const clock = createManualClock();
    const fired: string[] = [];
    clock.timer(() => {
      fired.push("first");
      second.cancel();
    }, 10);
    const second = clock.timer(() => fired.push("second"), 10);
    using _third = clock.timer(() => fired.push("third"), 20);
    expect(clock.pending).toBe(3);
    await clock.advance(15);
    expect(fired).toEqual(["first"]);
    expect(clock.pending).toBe(1);
  });

  test("runs code that sleeps again and again within one advance, each at its instant", async () => {
    const clock = createManualClock();
    const wokenAt: number[] = [];
    const loop = async (): Promise<void> => {
      for (let lap = 0; lap < 5; lap++) {
        await clock.sleep(10);
        wokenAt.push(clock.monotonicNow());
      }
    };
    void loop();
    await clock.advance(35);
    expect(wokenAt).toEqual([10, 20, 30]);
    expect(clock.monotonicNow()).toBe(35);
    await clock.advance(100);
    expect(wokenAt).toEqual([10, 20, 30, 40, 50]);
  });

  test("lets long promise chains end before time goes on", async () => {
    const clock = createManualClock();
    const log: string[] = [];
    const deep = async (depth: number): Promise<void> => {
      if (depth > 0) return deep(depth - 1);
      await clock.sleep(1);
    };
    void deep(2_000).then(() => log.push(`deep at ${clock.monotonicNow()}`));
    clock.timer(() => log.push(`timer at ${clock.monotonicNow()}`), 2);
    await clock.advance(10);
    expect(log).toEqual(["deep at 1", "timer at 2"]);
  });

  test("aborts a sleep with the signal's reason", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const sleep = clock.sleep(10, { signal: controller.signal });
    controller.abort("enough");
    await expect(sleep).rejects.toBe("enough");
    expect(clock.pending).toBe(0);
  });

  test("steps from timer to timer until nothing waits", async () => {
    const clock = createManualClock();
    const fired: number[] = [];
    for (const delayMs of [30, 10, 10, 20]) clock.timer(() => fired.push(delayMs), delayMs);
    clock.timer(() => fired.push(-1), Number.POSITIVE_INFINITY);
    expect(await clock.advanceToNext()).toBe(true);
    expect([fired, clock.monotonicNow()]).toEqual([[10, 10], 10]);
    while (await clock.advanceToNext());
    expect([fired, clock.monotonicNow()]).toEqual([[10, 10, 20, 30], 30]);
    expect(await clock.advanceToNext()).toBe(false);
  });

  test("jumps on the wall without moving monotonic time or timers", async () => {
    const clock = createManualClock({ nowMs: 1_000_000 });
    let firedAt = -1;
    clock.timer(() => {
      firedAt = clock.now();
    }, 100);
    await clock.advance(50);
    clock.setNow(500);
    expect([clock.now(), clock.monotonicNow()]).toEqual([500, 50]);
    await clock.advance(50);
    expect([firedAt, clock.monotonicNow()]).toEqual([550, 100]);
  });

  test("hands on what a timer throws and can go on afterwards", async () => {
    const clock = createManualClock();
    let later = false;
    clock.timer(() => {
      throw new Error("in the callback");
    }, 10);
    clock.timer(() => {
      later = true;
    }, 20);
    await expect(clock.advance(30)).rejects.toThrow("in the callback");
    expect([clock.monotonicNow(), later]).toEqual([10, false]);
    await clock.advance(10);
    expect(later).toBe(true);
  });

  test("says so when an earlier advance was not awaited", async () => {
    const clock = createManualClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow("await the earlier call");
    await first;
    expect(clock.monotonicNow()).toBe(10);
  });

  test("ends with an error when a loop sleeps without time passing", async () => {
    const clock = createManualClock();
    const spin = (): void => {
      clock.timer(spin, 0);
    };
    spin();
    await expect(clock.advance(1)).rejects.toThrow("who sleeps 0 ms?");
  });

  test("refuses to go back", async () => {
    const clock = createManualClock();
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    expect(() => createManualClock({ nowMs: Number.NaN })).toThrow(RangeError);
    expect(() => createManualClock({ now: 5 } as object)).toThrow('did you mean "nowMs"?');
  });
});

describe("whatever the timers", () => {
  const delays = fc.array(fc.nat(50), { maxLength: 30 });
  const steps = fc.array(fc.nat(20), { minLength: 1, maxLength: 10 });

  test("they fire in order of time, those of one instant in order of creation", async () => {
    await fc.assert(
      fc.asyncProperty(delays, async (delaysMs) => {
        const clock = createManualClock();
        const fired: { delayMs: number; index: number; atMs: number }[] = [];
        for (const [index, delayMs] of delaysMs.entries()) {
          clock.timer(() => fired.push({ delayMs, index, atMs: clock.monotonicNow() }), delayMs);
        }
        await clock.advance(50);
        const expected = delaysMs
          .map((delayMs, index) => ({ delayMs, index, atMs: delayMs }))
          .toSorted((a, b) => a.delayMs - b.delayMs || a.index - b.index);
        expect(fired).toEqual(expected);
        expect(clock.pending).toBe(0);
      }),
    );
  });

  test("many small advances do what one large does", async () => {
    /** Each timer, when it fires, starts one more: the trace shows order and instants. */
    const trace = async (delaysMs: number[], stepsMs: number[]): Promise<string[]> => {
      const clock = createManualClock();
      const log: string[] = [];
      for (const [index, delayMs] of delaysMs.entries()) {
        void clock.sleep(delayMs).then(async () => {
          log.push(`${index} at ${clock.monotonicNow()}`);
          await clock.sleep(delayMs + 1);
          log.push(`${index} again at ${clock.monotonicNow()}`);
        });
      }
      for (const stepMs of stepsMs) await clock.advance(stepMs);
      return log;
    };
    await fc.assert(
      fc.asyncProperty(delays, steps, async (delaysMs, stepsMs) => {
        const totalMs = stepsMs.reduce((sum, stepMs) => sum + stepMs, 0);
        expect(await trace(delaysMs, stepsMs)).toEqual(await trace(delaysMs, [totalMs]));
      }),
      { numRuns: 50 },
    );
  });

  test("a cancelled one never fires and all others do", async () => {
    const plan = fc.array(fc.record({ delayMs: fc.nat(50), cancelled: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(plan, async (timers) => {
        const clock = createManualClock();
        const fired = new Set<number>();
        const made = timers.map(({ delayMs }, index) =>
          clock.timer(() => fired.add(index), delayMs),
        );
        for (const [index, timer] of made.entries()) if (timers[index]?.cancelled) timer.cancel();
        await clock.advance(50);
        expect([...fired].toSorted((a, b) => a - b)).toEqual(
          timers.flatMap(({ cancelled }, index) => (cancelled ? [] : [index])),
        );
      }),
    );
  });
});
