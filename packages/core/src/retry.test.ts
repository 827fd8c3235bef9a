import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { constantBackoff, exponentialBackoff } from "./backoff.ts";
import { HeadroomError } from "./errors.ts";
import { type FailedAttempt, type RetryOptions, retry } from "./retry.ts";
import { RetryBudget } from "./retry-budget.ts";
import { createManualClock } from "./testing.ts";

const transient = (): HeadroomError => new HeadroomError("BUSY", "busy", { retryable: true });

/** Calls `retry` with an `fn` that fails with these errors in turn, then answers "done". */
async function retryFailing(errors: readonly unknown[], options: RetryOptions = {}) {
  const clock = createManualClock();
  const calledAtMs: number[] = [];
  const failed: FailedAttempt[] = [];
  const outcome = retry(
    ({ attempt }) => {
      calledAtMs.push(clock.monotonicNow());
      if (attempt <= errors.length) throw errors[attempt - 1];
      return "done";
    },
    {
      backoff: constantBackoff(100),
      clock,
      onFailedAttempt: (event) => failed.push(event),
      ...options,
    },
  ).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(1e7);
  return { calledAtMs, failed, pending: clock.pending, ...(await outcome) };
}

test("a first success is returned at once", async () => {
  const result = await retryFailing([]);
  expect(result).toMatchObject({ value: "done", calledAtMs: [0], failed: [] });
});

test("a retryable error is tried again, after the backoff", async () => {
  const backoff = exponentialBackoff({ baseMs: 100, maxMs: 1000 });
  const result = await retryFailing([transient(), transient()], { backoff });
  expect(result).toMatchObject({ value: "done", calledAtMs: [0, 100, 300] });
});

test("by default there are three attempts, and the last error is thrown as it is", async () => {
  const errors = [transient(), transient(), transient(), transient()];
  const result = await retryFailing(errors);
  expect(result.calledAtMs).toHaveLength(3);
  expect(result).toHaveProperty("error", errors[2]);
});

test("with one attempt nothing is retried", async () => {
  const error = transient();
  const result = await retryFailing([error], { attempts: 1 });
  expect(result).toMatchObject({ error, calledAtMs: [0] });
});

describe("which errors are retried", () => {
  test.each([
    ["an error that is not retryable", new HeadroomError("BAD_KEY", "bad key")],
    ["an unknown error", new Error("socket hang up")],
    ["a thrown string", "nope"],
    ["undefined", undefined],
  ])("not %s", async (_name, error) => {
    const result = await retryFailing([error]);
    expect(result.calledAtMs).toEqual([0]);
    expect(result).toHaveProperty("error", error);
  });

  test("those that retryOn names, and only those", async () => {
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    const retryOn = (error: unknown): boolean => error === reset;
    expect(await retryFailing([reset], { retryOn })).toMatchObject({ value: "done" });
    expect((await retryFailing([transient()], { retryOn })).calledAtMs).toHaveLength(1);
  });
});

describe("an error that says when to come back", () => {
  const asking = (retryAfterMs: unknown): HeadroomError =>
    Object.assign(transient(), { retryAfterMs });

  test("is waited for, with the backoff on top", async () => {
    expect((await retryFailing([asking(5000)])).calledAtMs).toEqual([0, 5100]);
  });

  test("but never longer than maxRetryAfterMs", async () => {
    const options = { maxRetryAfterMs: 2000 };
    expect((await retryFailing([asking(5000)], options)).calledAtMs).toEqual([0, 2100]);
    const forever = asking(Number.POSITIVE_INFINITY);
    expect((await retryFailing([forever], options)).calledAtMs).toEqual([0, 2100]);
  });

  test.each([-5, Number.NaN, "soon", null])("a wish of %s is none", async (wish) => {
    expect((await retryFailing([asking(wish)])).calledAtMs).toEqual([0, 100]);
  });
});

describe("the budget", () => {
  const budgetOf = (retries: number): RetryBudget =>
    new RetryBudget({
      retryRatio: 0,
      minRetriesPerSecond: retries,
      windowMs: 1000,
      clock: createManualClock(),
    });

  test("when it is used up, the original error is thrown and the reason is told", async () => {
    const errors = [transient(), transient(), transient()];
    const result = await retryFailing(errors, { budget: budgetOf(1) });
    expect(result).toMatchObject({ calledAtMs: [0, 100], error: errors[1] });
    expect(result.failed.at(-1)).toMatchObject({ next: "give-up", reason: "budget" });
  });

  test("each call deposits once, whatever its number of attempts", async () => {
    let deposits = 0;
    const budget = { deposit: () => void deposits++, tryWithdraw: () => true };
    await retryFailing([transient(), transient()], { budget });
    expect(deposits).toBe(1);
  });

  test("what is not retried for another reason takes nothing from it", async () => {
    const budget = budgetOf(5);
    await retryFailing([new Error("unknown")], { budget });
    await retryFailing([transient()], { budget, attempts: 1 });
    expect(budget.balance).toBe(5);
  });

  test("a thousand failing calls share it: 20 % of them are retried", async () => {
    const clock = createManualClock();
    const budget = new RetryBudget({ retryRatio: 0.2, minRetriesPerSecond: 0, clock });
    let attempts = 0;
    const failing = (): never => {
      attempts++;
      throw transient();
    };
    const calls = Array.from({ length: 1000 }, () =>
      retry(failing, { attempts: 5, budget, clock }),
    );
    const settled = Promise.allSettled(calls);
    await clock.advance(60_000);
    expect((await settled).every(({ status }) => status === "rejected")).toBe(true);
    expect(attempts).toBe(1200);
  });
});

describe("when the signal aborts", () => {
  test("before the start, fn is not called and the reason is thrown", async () => {
    const reason = { why: "client gone" };
    const result = await retryFailing([], { signal: AbortSignal.abort(reason) });
    expect(result.calledAtMs).toEqual([]);
    expect(result).toHaveProperty("error", reason);
  });

  test("during a wait, the wait ends and the reason is thrown", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const options = { signal: controller.signal, clock, backoff: constantBackoff(1000) };
    const outcome = expect(retry(() => Promise.reject(transient()), options)).rejects.toBe(
      "client gone",
    );
    await clock.advance(500);
    controller.abort("client gone");
    await outcome;
    expect(clock.pending).toBe(0);
  });

  test("during an attempt that fails then, there is no other attempt", async () => {
    const controller = new AbortController();
    const failed: FailedAttempt[] = [];
    const error = transient();
    const outcome = retry(
      ({ signal }) => {
        expect(signal).toBe(controller.signal);
        controller.abort("client gone");
        throw error;
      },
      { signal: controller.signal, onFailedAttempt: (event) => failed.push(event) },
    );
    await expect(outcome).rejects.toBe("client gone");
    expect(failed).toEqual([{ attempt: 1, error, next: "give-up", reason: "aborted" }]);
  });

  test("during an attempt that succeeds all the same, its result is returned", async () => {
    const controller = new AbortController();
    const work = (): string => {
      controller.abort();
      return "done";
    };
    expect(await retry(work, { signal: controller.signal })).toBe("done");
  });
});

test("each failed attempt is told, with what follows from it", async () => {
  const [first, second] = [transient(), new Error("unknown")];
  const { failed } = await retryFailing([first, second]);
  expect(failed).toEqual([
    { attempt: 1, error: first, next: "retry", delayMs: 100 },
    { attempt: 2, error: second, next: "give-up", reason: "not-retryable" },
  ]);
});

test("fn is never called more often than attempts, and nothing is left behind", async () => {
  const plans = fc.array(fc.boolean(), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(plans, fc.integer({ min: 1, max: 10 }), async (plan, attempts) => {
      const errors = plan.map((retryable) => new HeadroomError("X", "x", { retryable }));
      const result = await retryFailing(errors, { attempts });
      const fatal = plan.indexOf(false);
      const tries = Math.min(fatal === -1 ? plan.length + 1 : fatal + 1, attempts);
      expect(result.calledAtMs).toHaveLength(tries);
      expect("value" in result).toBe(tries === plan.length + 1);
      expect(result.pending).toBe(0);
    }),
    { numRuns: 60 },
  );
});

describe("a mistake in an option's function hides no error", () => {
  beforeEach(() => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const mistake = (): never => {
    throw new TypeError("a mistake");
  };

  test("of onFailedAttempt, which also stops no retry", async () => {
    const options = { onFailedAttempt: (): void => mistake() };
    expect(await retryFailing([transient()], options)).toMatchObject({ value: "done" });
    const error = new Error("unknown");
    expect(await retryFailing([error], options)).toMatchObject({ error });
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
  });

  test("of retryOn", async () => {
    const error = transient();
    const result = await retryFailing([error], { retryOn: () => mistake() });
    expect(result).toMatchObject({ error, calledAtMs: [0] });
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
  });

  test.each([Number.NaN, -1, "5"])("of backoff, when it answers %s", async (delay) => {
    const cause = transient();
    const result = await retryFailing([cause], { backoff: () => delay as number });
    expect(result).toMatchObject({
      error: { name: "TypeError", message: `backoff must answer with milliseconds, got ${delay}` },
    });
    expect((result as { error?: Error }).error?.cause).toBe(cause);
  });
});

test("wrong options are refused by name", async () => {
  const fn = (): string => "done";
  for (const [options, message] of [
    [{ backoff: 100 }, /backoff must be a function, got 100/],
    [{ budget: {} }, /budget must be an object with deposit, tryWithdraw/],
    [{ budget: null }, /budget must be an object with deposit, tryWithdraw/],
    [{ retryOn: "ECONNRESET" }, /retryOn must be a function/],
    [{ onFailedAttempt: 5 }, /onFailedAttempt must be a function/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal/],
    [{ clock: {} }, /clock must be an object with now/],
    [{ random: 0.5 }, /random must be a function/],
  ] as const) {
    await expect(retry(fn, options as object)).rejects.toThrow(message);
  }
  await expect(retry(fn, { attempts: 0 })).rejects.toThrow(
    /attempts must be an integer of at least/,
  );
  await expect(retry(fn, { maxRetryAfterMs: -1 })).rejects.toThrow(/maxRetryAfterMs must be/);
  await expect(retry(fn, { attempt: 2 } as object)).rejects.toThrow(/did you mean "attempts"/);
});
