import { errors } from "undici";
import { expect, test } from "vitest";
import { exchangeError, timeoutError } from "./exchange-error.ts";

const request = { pool: "api", target: "10.0.0.1:3000", attempts: 2 };
const cause = new Error("read ECONNRESET");

test("a failure names the balancer, the target, the attempts and what happened", () => {
  const error = exchangeError(cause, "reset", request);
  expect(error).toMatchObject({ code: "LB_UPSTREAM", ...request, retryable: true });
  expect(error.cause).toBe(cause);
  expect(error.message).toBe(
    'target 10.0.0.1:3000 of "api" failed (the connection broke), after 2 attempts',
  );
});

test("a timeout of undici's is LB_TIMEOUT", () => {
  const error = exchangeError(new errors.HeadersTimeoutError(), "timeout", {
    ...request,
    attempts: 1,
  });
  expect(error).toMatchObject({ code: "LB_TIMEOUT" });
  expect(error.message).toContain("did not answer in time, tried once");
});

test("a timeout of ours names its limit", () => {
  const error = timeoutError("totalTimeoutMs", 500, {
    pool: "api",
    target: undefined,
    attempts: 0,
  });
  expect(error).toMatchObject({ code: "LB_TIMEOUT", attempts: 0 });
  expect(error.message).toContain(
    'load balancer "api" did not answer within 500 ms (totalTimeoutMs)',
  );
});

test.each(["aborted", "caller", "unknown"] as const)("what is %s passes as it is", (reason) => {
  expect(exchangeError(cause, reason, request)).toBe(cause);
});

test("our own errors are not wrapped again", () => {
  const own = timeoutError("perTryTimeoutMs", 5, request);
  expect(exchangeError(own, "timeout", request)).toBe(own);
});
