import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { LbError } from "../errors.ts";
import { failureOf, statusOf, writeFailure } from "./proxy-failure.ts";

test.each([
  ["LB_NO_TARGET", 503],
  ["LB_OVERLOADED", 503],
  ["LB_CLOSED", 503],
  ["LB_TIMEOUT", 504],
  ["LB_UPSTREAM", 502],
  ["LB_REFUSED_REQUEST", 400],
] as const)("%s is %d", (code, status) => {
  expect(statusOf(new LbError(code, "it failed", { pool: "users" }))).toBe(status);
});

test("what is none of our errors is a bad gateway, with the error as its cause", () => {
  const cause = new Error("unknown");
  expect(statusOf(cause)).toBe(502);
  expect(failureOf(cause, "users", "a")).toMatchObject({
    code: "LB_UPSTREAM",
    pool: "users",
    target: "a",
    cause,
  });
  const own = new LbError("LB_TIMEOUT", "late", { pool: "users" });
  expect(failureOf(own, "users", "a")).toBe(own);
});

test("the client is told a status and nothing else", () => {
  const response = { statusCode: 200, setHeader: vi.fn(), end: vi.fn() };
  writeFailure(response as unknown as ServerResponse, 504);
  expect(response.statusCode).toBe(504);
  expect(response.end).toHaveBeenCalledWith("504 Gateway Timeout\n");
});
