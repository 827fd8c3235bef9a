import { expect, test } from "vitest";
import { CircuitBreaker, type CircuitBreakerOptions } from "./circuit-breaker.ts";

test("wrong options are refused by name", () => {
  const options = (extra: object): CircuitBreakerOptions => ({ name: "redis", ...extra });
  expect(() => new CircuitBreaker({ name: "" })).toThrow(/name must be a non-empty string/);
  for (const [extra, message] of [
    [{ consecutiveFailures: 0 }, /consecutiveFailures must be an integer/],
    [{ minSuccessRate: 2 }, /minSuccessRate must be a number from 0 to 1/],
    [{ windowMs: -1 }, /windowMs must be a positive number/],
    [{ minRequests: 0 }, /minRequests must be an integer/],
    [{ probeTimeoutMs: 0 }, /probeTimeoutMs must be a positive number/],
    [{ threshold: 5 }, /unknown option "threshold"/],
  ] as const) {
    expect(() => new CircuitBreaker(options(extra))).toThrow(message);
  }
});
