import { expect, test } from "vitest";
import { RedisQueueKeys, requireKeyPrefix } from "./redis-queue-keys.ts";

test("all keys of a queue have its name as their hash tag", () => {
  const { base, wake, events } = new RedisQueueKeys("hrq", "photos");
  expect([base, wake, events]).toEqual([
    "hrq:{photos}",
    "hrq:{photos}:wake",
    "hrq:{photos}:events",
  ]);
});

test("a prefix with a brace would be the hash tag", () => {
  expect(requireKeyPrefix("prefix", "app:q")).toBe("app:q");
  expect(() => requireKeyPrefix("prefix", "app{")).toThrow(RangeError);
  expect(() => requireKeyPrefix("prefix", "")).toThrow(TypeError);
});
