import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { constantBackoff } from "./backoff.ts";
import { CircuitBreaker, type CircuitBreakerOptions } from "./circuit-breaker.ts";
import { createManualClock } from "./testing.ts";

test("wrong options are refused by name", () => {
  const options = (extra: object): CircuitBreakerOptions => ({ name: "redis", ...extra });
  expect(() => new CircuitBreaker({ name: "" })).toThrow(/name must be a non-empty string/);
  for (const [extra, message] of [
    [{ consecutiveFailures: 0 }, /consecutiveFailures must be an integer/],
    [{ minSuccessRate: 2 }, /minSuccessRate must be a number from 0 to 1/],
    [{ windowMs: -1 }, /windowMs must be a positive number/],
    [{ minRequests: 0 }, /minRequests must be an integer/],
    [{ probeTimeoutMs: 0 }, /probeTimeoutMs must be a positive number/],
    [{ backoff: 1000 }, /backoff must be a function, got 1000/],
    [{ isFailure: /reset/ }, /isFailure must be a function/],
    [{ onStateChange: "log" }, /onStateChange must be a function/],
    [{ clock: {} }, /clock must be an object with now/],
    [{ random: 0.5 }, /random must be a function/],
    [{ threshold: 5 }, /unknown option "threshold"/],
  ] as const) {
    expect(() => new CircuitBreaker(options(extra))).toThrow(message);
  }
});

describe("a mistake in an option's function", () => {
  const down = new Error("connect ECONNREFUSED");
  const clock = createManualClock();
  const create = (extra: Partial<CircuitBreakerOptions>): CircuitBreaker =>
    new CircuitBreaker({ name: "redis", backoff: constantBackoff(1000), clock, ...extra });
  const fail = async (breaker: CircuitBreaker, times: number): Promise<void> => {
    for (let call = 0; call < times; call++) {
      await expect(breaker.run(() => Promise.reject(down))).rejects.toBe(down);
    }
  };
  const mistake = (): never => {
    throw new TypeError("a mistake");
  };
  beforeEach(() => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("of isFailure hides no error, counts as a failure, and keeps no probe", async () => {
    const breaker = create({ isFailure: () => mistake() });
    await fail(breaker, 5);
    expect(breaker.status).toBe("open");
    await clock.advance(1000);
    await fail(breaker, 1);
    expect(breaker.status).toBe("open");
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
  });

  test("of onStateChange hides no error and no result", async () => {
    const breaker = create({ onStateChange: () => mistake() });
    await fail(breaker, 5);
    await clock.advance(1000);
    expect(await breaker.run(async () => "value")).toBe("value");
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
  });
});
