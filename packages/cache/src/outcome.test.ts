import { expect, expectTypeOf, test } from "vitest";
import { DONE, type InvalidationOutcome } from "./outcome.ts";

test("only what was queued has a cause", () => {
  expect(DONE).toEqual({ status: "done" });
  expectTypeOf<Extract<InvalidationOutcome, { status: "queued" }>>().toHaveProperty("cause");
  expectTypeOf<Extract<InvalidationOutcome, { status: "done" }>>().not.toHaveProperty("cause");
});
