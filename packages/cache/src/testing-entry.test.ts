import { expect, test } from "vitest";
import * as testing from "./testing-entry.ts";

test("a test gets the memory store, its bus and the conformance suite", () => {
  expect(Object.keys(testing).sort()).toEqual(["memoryBus", "memoryStore", "storeConformance"]);
});
