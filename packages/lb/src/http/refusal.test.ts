import { isHeadroomError } from "@headroom/core/errors";
import { describe, expect, test } from "vitest";
import { LOOP, type Refusal, refusalError } from "./refusal.ts";

const badAnswer: Refusal = { reason: "answer-header", statusCode: 502, message: "a header is bad" };

describe("refusalError", () => {
  test("a refused request is not to be repeated", () => {
    const error = refusalError(LOOP, { pool: "api" });
    expect(isHeadroomError(error, "LB_REFUSED_REQUEST")).toBe(true);
    expect(error).toMatchObject({ retryable: false, pool: "api", target: undefined });
    expect(error.message).toContain('pool "api" refused a request');
  });

  test("a refused answer is the target's failure", () => {
    const error = refusalError(badAnswer, { pool: "api", target: "10.0.0.1:3000", attempts: 1 });
    expect(error).toMatchObject({ code: "LB_UPSTREAM", retryable: true, target: "10.0.0.1:3000" });
    expect(error.message).toBe('10.0.0.1:3000 of pool "api" gave a bad answer: a header is bad');
  });

  test("without a known target it names none", () => {
    expect(refusalError(badAnswer, { pool: "api" }).message).toContain("a target of pool");
  });
});
