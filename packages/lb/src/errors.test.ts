import { inspect } from "node:util";
import { isHeadroomError } from "@headroom/core/errors";
import { expect, test } from "vitest";
import { LbError } from "./errors.ts";

test("says which balancer, which target and after how many attempts", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const details = { pool: "users", target: "10.0.0.1:3000", attempts: 2, cause };
  const error = new LbError("LB_UPSTREAM", "all attempts failed", details);
  expect(error).toMatchObject({
    name: "LbError",
    code: "LB_UPSTREAM",
    pool: "users",
    target: "10.0.0.1:3000",
    attempts: 2,
    retryable: true,
    cause,
  });
  expect(isHeadroomError(error, "LB_UPSTREAM")).toBe(true);
  expect(inspect(error)).toContain("ECONNREFUSED");
});

test.each([
  ["LB_NO_TARGET", true],
  ["LB_OVERLOADED", true],
  ["LB_TIMEOUT", true],
  ["LB_UPSTREAM", true],
  ["LB_REFUSED_REQUEST", false],
  ["LB_CLOSED", false],
] as const)("%s: the same call may succeed later: %s", (code, retryable) => {
  const error = new LbError(code, "it failed", { pool: "users" });
  expect(error).toMatchObject({ retryable, attempts: 0, target: undefined });
});
