import { getEventListeners } from "node:events";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDeadline, type Deadline, DeadlineExceededError, withDeadline } from "./deadline.ts";
import { isHeadroomError } from "./errors.ts";
import { createManualClock } from "./testing.ts";

const forever = (): Promise<never> => new Promise(() => {});
const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error) => error);

describe("work that ends in time", () => {
  test("gives its result and leaves neither timer nor listener", async () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    const result = withDeadline({ timeoutMs: 100, signal, clock }, async () => {
      await clock.sleep(60);
      return "done";
    });
    expect([clock.pending, listeners(signal)]).toEqual([2, 1]);
    await clock.advance(60);
    expect(await result).toBe("done");
    expect([clock.pending, listeners(signal)]).toEqual([0, 0]);
  });

  test("hands on its own error, also one thrown before any promise", async () => {
    const clock = createManualClock();
    const error = new Error("mine");
    const rejects = async (): Promise<never> => {
      throw error;
    };
    const throws = (): Promise<never> => {
      throw error;
    };
    await expect(withDeadline({ timeoutMs: 100, clock }, rejects)).rejects.toBe(error);
    await expect(withDeadline({ timeoutMs: 100, clock }, throws)).rejects.toBe(error);
    expect(clock.pending).toBe(0);
  });

  test("may return its result without a promise", async () => {
    expect(await withDeadline({ timeoutMs: 100, clock: createManualClock() }, () => 42)).toBe(42);
  });

  test("needs no timer when there is no time limit", async () => {
    const clock = createManualClock();
    for (const timeoutMs of [undefined, Number.POSITIVE_INFINITY]) {
      const result = withDeadline({ timeoutMs, clock }, async (_signal, deadline) => {
        expect(clock.pending).toBe(0);
        return deadline.remainingMs();
      });
      expect(await result).toBe(Number.POSITIVE_INFINITY);
    }
  });
});

describe("work that does not end", () => {
  test("is given up at the deadline, though it ignores its signal", async () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    const what = "the query on replica-2";
    const result = outcome(withDeadline({ timeoutMs: 250, signal, clock, what }, forever));
    await clock.advance(250);
    const error = await result;
    expect(isHeadroomError(error, "DEADLINE_EXCEEDED")).toBe(true);
    expect(error).toMatchObject({ what, timeoutMs: 250, retryable: true });
    expect((error as Error).message).toBe("the query on replica-2 did not finish within 250 ms");
    expect([clock.pending, listeners(signal)]).toEqual([0, 0]);
  });

  test("sees its signal abort with the same error", async () => {
    const clock = createManualClock();
    let seen: unknown;
    const result = outcome(
      withDeadline({ timeoutMs: 10, clock }, (signal) => {
        signal.addEventListener("abort", () => {
          seen = signal.reason;
        });
        return forever();
      }),
    );
    await clock.advance(10);
    expect(seen).toBeInstanceOf(DeadlineExceededError);
    expect(await result).toBe(seen);
  });

  test("is given up when the caller's signal aborts, with its reason unwrapped", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const reason = { why: "the client hung up" };
    const result = outcome(
      withDeadline({ timeoutMs: 1_000, signal: controller.signal, clock }, forever),
    );
    controller.abort(reason);
    expect(await result).toBe(reason);
    expect([clock.pending, listeners(controller.signal)]).toEqual([0, 0]);
  });

  test("does not begin when it is over already", async () => {
    const clock = createManualClock();
    let begun = 0;
    const work = async (): Promise<void> => {
      begun++;
    };
    const aborted = AbortSignal.abort("gone");
    await expect(withDeadline({ signal: aborted, clock }, work)).rejects.toBe("gone");
    await expect(withDeadline({ timeoutMs: 0, clock }, work)).rejects.toThrow("within 0 ms");
    expect([begun, clock.pending]).toEqual([0, 0]);
  });
});

describe("a late end of abandoned work", () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(() => {
    process.off("unhandledRejection", note);
  });

  test("is dropped, and a rejection is no unhandled one", async () => {
    const clock = createManualClock();
    const results = [
      withDeadline({ timeoutMs: 10, clock }, () => clock.sleep(20)),
      withDeadline({ timeoutMs: 10, clock }, async () => {
        await clock.sleep(20);
        throw new Error("too late to matter");
      }),
    ].map(outcome);
    await clock.advance(30);
    for (const error of await Promise.all(results)) {
      expect(error).toBeInstanceOf(DeadlineExceededError);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});

describe("a signal that lives as long as the server", () => {
  test("collects no listeners over 10,000 calls, however they end", async () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    for (let call = 0; call < 10_000; call++) {
      const fails = call % 2 === 0;
      const result = withDeadline({ timeoutMs: 10, signal, clock }, async () => {
        if (fails) throw new Error("failed");
      });
      await outcome(result);
    }
    expect([clock.pending, listeners(signal)]).toEqual([0, 0]);
  });

  test("serves 10,000 calls at a time with one listener and without a warning", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => {
      warnings.push(warning.name);
    };
    process.on("warning", note);
    const clock = createManualClock();
    const { signal } = new AbortController();
    const calls = Array.from({ length: 10_000 }, () =>
      outcome(withDeadline({ timeoutMs: 10, signal, clock }, forever)),
    );
    expect(listeners(signal)).toBe(1);
    await clock.advanceToNext();
    await Promise.all(calls);
    process.off("warning", note);
    expect(warnings).toEqual([]);
    expect([clock.pending, listeners(signal)]).toEqual([0, 0]);
  });
});

describe("nested deadlines", () => {
  test("end at the nearest, whichever level it belongs to, and know how long is left", async () => {
    const timeouts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(timeouts, fc.nat(100), async (timeoutsMs, waitMs) => {
        const clock = createManualClock();
        const nearestMs = Math.min(...timeoutsMs);
        const deadlines: Deadline[] = [];
        for (const timeoutMs of timeoutsMs) {
          deadlines.push(createDeadline({ timeoutMs, signal: deadlines.at(-1)?.signal, clock }));
        }
        const innermost = deadlines.at(-1);
        await clock.advance(waitMs);
        expect(innermost?.remainingMs()).toBe(Math.max(0, nearestMs - waitMs));
        expect(innermost?.signal.aborted).toBe(waitMs >= nearestMs);
        if (waitMs >= nearestMs) {
          expect(innermost?.signal.reason).toMatchObject({ timeoutMs: nearestMs });
        }
        for (const deadline of deadlines) deadline[Symbol.dispose]();
        expect(clock.pending).toBe(0);
      }),
    );
  });

  test("may be given what another one has left", async () => {
    const clock = createManualClock();
    const outer = createDeadline({ timeoutMs: 100, clock });
    await clock.advance(30);
    const inner = createDeadline({ timeoutMs: outer.remainingMs(), clock });
    expect(inner.remainingMs()).toBe(70);
    await clock.advance(70);
    const none = createDeadline({ timeoutMs: outer.remainingMs(), clock });
    expect([inner.signal.aborted, none.signal.aborted, clock.pending]).toEqual([true, true, 0]);
  });
});

describe("a deadline by itself", () => {
  test("never aborts once it is disposed of", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    let signal: AbortSignal;
    {
      using deadline = createDeadline({ timeoutMs: 10, signal: controller.signal, clock });
      signal = deadline.signal;
    }
    await clock.advance(20);
    controller.abort();
    expect(signal.aborted).toBe(false);
    expect([clock.pending, listeners(controller.signal)]).toEqual([0, 0]);
  });

  test("has nothing left when the caller's signal has aborted", () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const deadline = createDeadline({ timeoutMs: 10, signal: controller.signal, clock });
    controller.abort();
    expect(deadline.remainingMs()).toBe(0);
  });

  test("does not care about jumps of the wall clock", async () => {
    const clock = createManualClock();
    using deadline = createDeadline({ timeoutMs: 10, clock });
    clock.setNow(clock.now() + 1_000_000);
    await clock.advance(9);
    expect([deadline.signal.aborted, deadline.remainingMs()]).toEqual([false, 1]);
  });

  test("knows what is left after it is disposed of, though it never aborts", async () => {
    const clock = createManualClock();
    const deadline = createDeadline({ timeoutMs: 10, clock });
    deadline[Symbol.dispose]();
    await clock.advance(10);
    expect([deadline.remainingMs(), deadline.signal.aborted]).toEqual([0, false]);
  });

  test("hides the credentials of what it names", () => {
    const error = new DeadlineExceededError("asking redis://:hunter2@cache-1", 5);
    expect(error.what).toBe("asking redis://***@cache-1");
    expect({ ...error, stack: error.stack }).toMatchObject({ what: error.what });
    expect(error.name).toBe("DeadlineExceededError");
    expect(Object.keys(error)).not.toContain("name");
  });

  test("refuses wrong options", async () => {
    expect(() => createDeadline({ what: "" })).toThrow("what must be a non-empty string");
    expect(() => createDeadline({ clock: {} as never })).toThrow("clock must be an object with");
    expect(() => createDeadline({ signal: new AbortController() as never })).toThrow(
      "signal must be an AbortSignal, got an object",
    );
    expect(() => createDeadline({ timeoutMs: -1 })).toThrow(
      new RangeError("timeoutMs must be a non-negative number of milliseconds, got -1"),
    );
    const typo = { timeout: 5 } as object;
    await expect(withDeadline(typo, forever)).rejects.toThrow('did you mean "timeoutMs"?');
  });
});
