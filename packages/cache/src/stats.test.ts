import { expect, test } from "vitest";
import { createCounters } from "./stats.ts";

test("every count begins at 0", () => {
  expect(new Set(Object.values(createCounters()))).toEqual(new Set([0]));
});
