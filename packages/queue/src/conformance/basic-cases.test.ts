import { expect, test } from "vitest";
import { basicCases } from "./basic-cases.ts";

// That each is passed by a right driver and failed by a wrong one: driver-conformance.test.ts.
test("every case has a name of its own", () => {
  const names = basicCases.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(3);
  expect(new Set(names).size).toBe(names.length);
});
