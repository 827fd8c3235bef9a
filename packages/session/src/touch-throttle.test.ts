import { expect, test } from "vitest";
import { TouchThrottle } from "./touch-throttle.ts";

test("one note in each period, for each session", () => {
  const throttle = new TouchThrottle(100);
  expect([0, 1, 99, 100, 150, 200].map((atMs) => throttle.isFirst("a", atMs))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(throttle.isFirst("b", 1)).toBe(true);
  throttle.forget("b");
  expect(throttle.isFirst("b", 1)).toBe(true);
});
