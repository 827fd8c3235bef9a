import {
  constantBackoff,
  decorrelatedJitterBackoff,
  exponentialBackoff,
} from "@headroom/core/backoff";
import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { RetryAfterError, UnrecoverableError } from "../job.ts";
import { failedVerdict, failureOf } from "./retry-policy.ts";

const random = seededRandom(1);
const backoff = exponentialBackoff({ baseMs: 100, maxMs: 1_000 });
const boom = new Error("boom");

function verdict(attempt: number, error: unknown = boom, rules = { backoff }, longestMs = 1e9) {
  return failedVerdict({ attempt, maxAttempts: 5 }, error, rules, random, longestMs);
}

test("it waits longer each time, and is dead after the last", () => {
  const failure = { name: "Error", message: "boom" };
  expect([1, 2, 3, 4, 5].map((attempt) => verdict(attempt))).toEqual([
    { kind: "retry", delayMs: 100, failure },
    { kind: "retry", delayMs: 200, failure },
    { kind: "retry", delayMs: 400, failure },
    { kind: "retry", delayMs: 800, failure },
    { kind: "dead", reason: "attempts-exhausted", failure },
  ]);
});

test("what the handler says decides", () => {
  expect(verdict(1, new UnrecoverableError("never"))).toMatchObject({
    kind: "dead",
    reason: "unrecoverable",
  });
  expect(verdict(1, new RetryAfterError(7_000))).toMatchObject({ kind: "retry", delayMs: 7_000 });
  expect(verdict(5, new RetryAfterError(7_000))).toMatchObject({ kind: "dead" });
});

test("the last of a job that took too long says so", () => {
  const exhausted = failedVerdict(
    { attempt: 1, maxAttempts: 1 },
    boom,
    { backoff },
    random,
    1e9,
    "timeout",
  );
  expect(exhausted).toMatchObject({ kind: "dead", reason: "timeout" });
});

test("no delay is longer than the driver's longest", () => {
  expect(verdict(4, boom, { backoff }, 300)).toMatchObject({ delayMs: 300 });
  expect(verdict(1, new RetryAfterError(7_000), { backoff }, 0)).toMatchObject({ delayMs: 0 });
});

test("a backoff that goes by the delay before grows, without one having been stored", () => {
  const decorrelated = decorrelatedJitterBackoff({ baseMs: 100, maxMs: 1e9 });
  const mean = (attempt: number): number => {
    let sum = 0;
    for (let draw = 0; draw < 2_000; draw++) {
      const drawn = failedVerdict(
        { attempt, maxAttempts: 9 },
        boom,
        { backoff: decorrelated },
        random,
        1e12,
      );
      if (drawn.kind === "retry") sum += drawn.delayMs;
    }
    return sum / 2_000;
  };
  // (base + 3 · previous) / 2 each time: 200, 350, 575, …
  expect(mean(1)).toBeGreaterThan(180);
  expect(mean(1)).toBeLessThan(220);
  expect(mean(3)).toBeGreaterThan(500);
  expect(mean(3)).toBeLessThan(650);
});

test("a backoff that throws, or answers nonsense, does not harm the job", () => {
  const throwing = (): number => {
    throw new Error("a bug");
  };
  for (const wrong of [throwing, () => Number.NaN, () => -5, () => Number.POSITIVE_INFINITY]) {
    expect(verdict(1, boom, { backoff: wrong })).toMatchObject({ kind: "retry", delayMs: 1_000 });
  }
  expect(verdict(1, boom, { backoff: constantBackoff(1.4) })).toMatchObject({ delayMs: 1 });
});

test("a failure is a name and a message, short, without passwords", () => {
  expect(failureOf(new TypeError("x".repeat(900)))).toEqual({
    name: "TypeError",
    message: "x".repeat(500),
  });
  const { message } = failureOf(new Error("no route to redis://user:hunter2@host:6379"));
  expect(message).not.toContain("hunter2");
  expect(failureOf("secret text")).toEqual({ name: "Error", message: "threw a string" });
  expect(failureOf(undefined)).toEqual({ name: "Error", message: "threw a undefined" });
});
