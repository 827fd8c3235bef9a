import { expect, test } from "vitest";
import { endCases } from "./end-cases.ts";

// That each is passed by a right store and failed by a wrong one: store-conformance.test.ts.
test("every case has a name of its own", () => {
  const names = endCases.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(new Set(names).size).toBe(names.length);
});
