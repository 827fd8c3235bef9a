import { describe, expect, test } from "vitest";
import { memorySetup } from "../test/mistaken-store.ts";
import { storeConformance } from "./store-conformance.ts";

describe("the memory store", () => {
  for (const { name, run } of storeConformance()) test(name, () => run(memorySetup()));
});

test("every case has a name of its own, and only those that empty the server are isolated", () => {
  const cases = storeConformance();
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(cases.filter(({ isolated }) => isolated)).toHaveLength(2);
});
