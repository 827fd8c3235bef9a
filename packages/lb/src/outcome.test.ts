import { expect, test } from "vitest";
import { ABANDONED, FAILED, REFUSED, SUCCESS } from "./outcome.ts";

test("the common outcomes are made once", () => {
  expect([SUCCESS, FAILED, REFUSED, ABANDONED]).toEqual([
    { type: "success" },
    { type: "failure", kind: "failed" },
    { type: "failure", kind: "refused" },
    { type: "abandoned" },
  ]);
});
