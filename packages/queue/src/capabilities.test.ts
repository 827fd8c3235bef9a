import { expect, test } from "vitest";
import { FULL_CAPABILITIES } from "./capabilities.ts";
import { memoryDriver } from "./memory/memory-driver.ts";

test("all drivers of ours can do the same, but for transactions and what lasts", () => {
  expect(memoryDriver().capabilities).toEqual({
    ...FULL_CAPABILITIES,
    transactions: false,
    durability: "memory",
  });
  expect(Object.values(FULL_CAPABILITIES).every(Boolean)).toBe(true);
});
