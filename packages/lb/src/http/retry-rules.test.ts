import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ABANDONED, FAILED, REFUSED } from "../outcome.ts";
import { type AttemptFailure, type FailureReason, statusFailure } from "./classify.ts";
import { decideRetry, isIdempotent, type RetryRequest } from "./retry-rules.ts";

const GET: RetryRequest = {
  method: "GET",
  hasIdempotencyKey: false,
  bodyReplayable: true,
  answerBegun: false,
  attempts: 1,
  maxAttempts: 3,
  freeRetryUsed: false,
};
const POST: RetryRequest = { ...GET, method: "POST" };
const POST_WITH_KEY: RetryRequest = { ...POST, hasIdempotencyKey: true };

const status = statusFailure(FAILED);
const refused: AttemptFailure = { reason: "refused", outcome: REFUSED, sent: "no" };
const reset: AttemptFailure = { reason: "reset", outcome: FAILED, sent: "maybe" };
const stale: AttemptFailure = { reason: "stale-socket", outcome: FAILED, sent: "maybe" };
const timeout: AttemptFailure = { reason: "timeout", outcome: FAILED, sent: "maybe" };
const badAnswer: AttemptFailure = { reason: "bad-answer", outcome: FAILED, sent: "maybe" };
const closedUnsent: AttemptFailure = { reason: "closed", outcome: ABANDONED, sent: "no" };
const closedSent: AttemptFailure = { reason: "closed", outcome: ABANDONED, sent: "maybe" };
const noDescriptors: AttemptFailure = { reason: "local", outcome: ABANDONED, sent: "no" };
const tooLarge: AttemptFailure = { reason: "too-large", outcome: ABANDONED, sent: "maybe" };
const unknown: AttemptFailure = { reason: "unknown", outcome: ABANDONED, sent: "maybe" };
const clientLeft: AttemptFailure = { reason: "aborted", outcome: ABANDONED, sent: "no" };
const badRequest: AttemptFailure = { reason: "caller", outcome: ABANDONED, sent: "no" };
const throttled = statusFailure({ type: "throttled" });

const unsent = { retry: true, withdraw: false, free: false };
const free = { retry: true, withdraw: false, free: true };
const budgeted = { retry: true, withdraw: true, free: false };
const never = { retry: false, reason: "not-repeatable" };

describe("the table", () => {
  test.each([
    ["refused", refused, unsent, unsent],
    ["pool closed before it was sent", closedUnsent, unsent, unsent],
    ["no file descriptors", noDescriptors, unsent, unsent],
    ["a kept connection was closed", stale, free, never],
    ["a failed status", status, budgeted, never],
    ["reset", reset, budgeted, never],
    ["timeout", timeout, budgeted, never],
    ["no HTTP", badAnswer, budgeted, never],
    ["pool closed after it was sent", closedSent, budgeted, never],
    ["429", throttled, never, never],
    ["too large for us", tooLarge, never, never],
    ["unknown", unknown, never, never],
    ["the client left", clientLeft, never, never],
    ["cannot be sent", badRequest, never, never],
  ])("%s", (_, failure, forGet, forPost) => {
    expect(decideRetry(failure, GET)).toEqual(forGet);
    expect(decideRetry(failure, POST)).toEqual(forPost);
    expect(decideRetry(failure, POST_WITH_KEY)).toEqual(forGet);
  });

  test("the second closed connection of a request is a reset like any other", () => {
    expect(decideRetry(stale, { ...GET, attempts: 2, freeRetryUsed: true })).toEqual(budgeted);
  });

  test("no row holds once the client has something of an answer", () => {
    const begun = { ...GET, answerBegun: true };
    const reason = "answer-begun";
    for (const failure of [refused, stale, status, reset, throttled]) {
      expect(decideRetry(failure, begun)).toEqual({ retry: false, reason });
    }
  });

  test("no row holds when the body is gone, even if nothing was sent", () => {
    const gone = { ...GET, bodyReplayable: false };
    for (const failure of [refused, stale, status]) {
      expect(decideRetry(failure, gone)).toEqual(never);
    }
  });

  test("attempts are bounded, the free ones too", () => {
    const last = { ...GET, attempts: 3 };
    for (const failure of [refused, stale, status]) {
      expect(decideRetry(failure, last)).toEqual({ retry: false, reason: "attempts-exhausted" });
      expect(decideRetry(failure, { ...last, attempts: 2 })).toMatchObject({ retry: true });
    }
  });

  test("what is not repeatable says so, also when no attempt is left", () => {
    expect(decideRetry(status, { ...POST, attempts: 3 })).toEqual(never);
  });

  test("what the user's own rule takes for a failure is retried", () => {
    expect(decideRetry({ ...throttled, outcome: FAILED }, GET)).toEqual(budgeted);
  });
});

test.each(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])("%s is idempotent", (method) => {
  expect(isIdempotent(method)).toBe(true);
});

test.each(["POST", "PATCH", "CONNECT", "get", "", "GET ", "QUERY"])("%j is not", (method) => {
  expect(isIdempotent(method)).toBe(false);
});

describe("whatever happens", () => {
  const reasons: FailureReason[] = [
    "status",
    "refused",
    "unreachable",
    "tls",
    "closed",
    "local",
    "stale-socket",
    "reset",
    "timeout",
    "bad-answer",
    "too-large",
    "aborted",
    "caller",
    "unknown",
  ];
  const failures = fc.record<AttemptFailure>({
    reason: fc.constantFrom(...reasons),
    outcome: fc.constantFrom(FAILED, REFUSED, ABANDONED, { type: "throttled" } as const),
    sent: fc.constantFrom("no", "maybe"),
  });
  const requests = fc.record<RetryRequest>({
    method: fc.constantFrom("GET", "POST", "PUT", "PATCH"),
    hasIdempotencyKey: fc.boolean(),
    bodyReplayable: fc.boolean(),
    answerBegun: fc.boolean(),
    attempts: fc.integer({ min: 1, max: 5 }),
    maxAttempts: fc.integer({ min: 1, max: 5 }),
    freeRetryUsed: fc.boolean(),
  });

  test("nothing that may have arrived is repeated unless it is repeatable", () => {
    fc.assert(
      fc.property(failures, requests, (failure, request) => {
        const decision = decideRetry(failure, request);
        if (!decision.retry) return;
        const repeatable = isIdempotent(request.method) || request.hasIdempotencyKey;
        expect(failure.sent === "no" || repeatable).toBe(true);
        expect(request.answerBegun).toBe(false);
        expect(request.bodyReplayable).toBe(true);
        expect(request.attempts).toBeLessThan(request.maxAttempts);
      }),
    );
  });

  test("what may have reached a server costs budget, save once a request", () => {
    fc.assert(
      fc.property(failures, requests, (failure, request) => {
        const decision = decideRetry(failure, request);
        if (!decision.retry || failure.sent === "no") return;
        expect(decision.withdraw).toBe(!decision.free);
        if (decision.free) expect(request.freeRetryUsed).toBe(false);
      }),
    );
  });
});
