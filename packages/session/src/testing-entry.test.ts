import { expect, test } from "vitest";
import * as testing from "./testing-entry.ts";

test("the author of a store gets the cases, a test gets the faults", () => {
  expect(Object.keys(testing).sort()).toEqual([
    "describeSessionStore",
    "faultySessionStore",
    "sessionStoreCases",
  ]);
});
