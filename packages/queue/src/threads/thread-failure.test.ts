import { expect, test } from "vitest";
import { isUnrecoverable, RetryAfterError, retryAfterMs, UnrecoverableError } from "../job.ts";
import { errorOfThread, failureOfThread } from "./thread-failure.ts";

function crossed(error: unknown): Error {
  return errorOfThread(structuredClone(failureOfThread(error)));
}

test("an error keeps its name, message, code and stack", () => {
  class CropError extends Error {
    override readonly name = "CropError";
    readonly code = "TOO_SMALL";
  }
  const error = new CropError("5 × 5");
  expect(crossed(error)).toMatchObject({
    name: "CropError",
    message: "5 × 5",
    code: "TOO_SMALL",
    stack: error.stack,
  });
});

test("those that mean something to a worker still do", () => {
  expect(isUnrecoverable(crossed(new UnrecoverableError("no")))).toBe(true);
  expect(isUnrecoverable(crossed(new TypeError("no")))).toBe(false);
  const later = crossed(new RetryAfterError(5_000, "busy"));
  expect([retryAfterMs(later), later.message]).toEqual([5_000, "busy"]);
});

test("what is no error is not shown", () => {
  expect(crossed({ secret: 1 }).message).toBe("a value that is no Error was thrown");
});
