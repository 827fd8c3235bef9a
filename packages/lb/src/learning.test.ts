import { expect, test, vi } from "vitest";
import { Endpoint } from "./endpoint.ts";
import type { Judge } from "./judge.ts";
import { Learning } from "./learning.ts";
import { ABANDONED, FAILED, REFUSED, SUCCESS } from "./outcome.ts";

function learning() {
  const endpoint = new Endpoint({ id: "a", target: "A" }, "owner", 0, {
    initialMs: 1_000,
    decayMs: 10_000,
    window: {},
  });
  endpoint.answeredIn(10, 0);
  const told = {
    succeeded: vi.fn(),
    failed: vi.fn(),
    throttled: vi.fn(),
    abandoned: vi.fn(),
  };
  // Only what is told counts here; the judge itself has its own test.
  const learns = new Learning(told as unknown as Judge<string>, 5_000);
  const estimate = (): number => endpoint.latency.estimateAt(0);
  return { endpoint, told, learns, estimate };
}

const took = (tookMs: number, ownPauseMs = 0) => ({ startedMs: 0, tookMs, ownPauseMs });

test("an answer is its latency", () => {
  const { endpoint, told, learns, estimate } = learning();
  learns.learn(endpoint, SUCCESS, took(40), 0);
  expect(estimate()).toBe(40);
  expect(told.succeeded).toHaveBeenCalledWith(endpoint, 0, 0);
});

test("a failure is an answer that took 5 s, or longer if it did", () => {
  const { endpoint, told, learns, estimate } = learning();
  learns.learn(endpoint, REFUSED, took(0.1), 0);
  expect(estimate()).toBe(5_000);
  learns.learn(endpoint, FAILED, took(7_000), 0);
  expect(estimate()).toBe(7_000);
  expect(endpoint.failures).toBe(2);
  expect(told.failed.mock.calls).toEqual([
    [endpoint, "refused", 0, 0],
    [endpoint, "failed", 0, 0],
  ]);
});

test("a wish to be left alone counts instead of the 5 s", () => {
  const { endpoint, told, learns, estimate } = learning();
  learns.learn(endpoint, { type: "throttled", retryAfterMs: 2_000 }, took(1), 0);
  expect(estimate()).toBe(2_000);
  learns.learn(endpoint, { type: "failure", kind: "failed", retryAfterMs: 1e9 }, took(1), 0);
  expect(estimate()).toBe(300_000);
  expect(told.throttled).toHaveBeenCalledOnce();
});

test("who was given up after a while is at least as slow as that", () => {
  const { endpoint, told, learns, estimate } = learning();
  learns.learn(endpoint, ABANDONED, took(3), 0);
  expect(estimate()).toBe(10);
  learns.learn(endpoint, ABANDONED, took(300), 0);
  expect(estimate()).toBe(300);
  expect(endpoint.failures).toBe(0);
  expect(told.abandoned).toHaveBeenCalledTimes(2);
});

test("our own pause is not its latency", () => {
  const { endpoint, learns, estimate } = learning();
  learns.learn(endpoint, SUCCESS, took(1_012, 1_000), 0);
  expect(estimate()).toBe(12);
});

test("a failure that was mostly our own pause teaches nothing", () => {
  const { endpoint, told, learns, estimate } = learning();
  learns.learn(endpoint, FAILED, took(2_000, 1_500), 0);
  expect(told.failed).not.toHaveBeenCalled();
  expect(estimate()).toBe(500);
  learns.learn(endpoint, FAILED, took(2_000, 500), 0);
  expect(told.failed).toHaveBeenCalledOnce();
});
