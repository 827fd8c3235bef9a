import { expect, test, vi } from "vitest";
import { cacheRules } from "./cache-options.ts";
import { memoryStore } from "./memory-store.ts";

test("without options it is a cache of one process that cannot grow without end", () => {
  expect(cacheRules({})).toMatchObject({
    name: "default",
    l1: {},
    leaseMs: 3_000,
    outageTtlMs: 2_000,
    maxPending: 10_000,
  });
});

test("values are frozen while developing, and shared in production", () => {
  expect(cacheRules({}).values).toBe("freeze");
  vi.stubEnv("NODE_ENV", "production");
  expect(cacheRules({}).values).toBe("share");
  expect(cacheRules({ values: "clone" }).values).toBe("clone");
  vi.unstubAllEnvs();
});

test.each<[object, RegExp]>([
  [{ name: "" }, /name/],
  [{ l2: memoryStore(), bus: 5 }, /bus must be a function/],
  [{ maxPending: 0 }, /maxPending/],
  [{ outageTtlMs: -1 }, /outageTtlMs/],
  [{ clock: {} }, /clock/],
  [{ random: 5 }, /random must be a function/],
  [{ format: { maxValueSize: 5 } }, /unknown option/],
])("%o is an error that says why", (options, message) => {
  expect(() => cacheRules(options)).toThrow(message);
});
