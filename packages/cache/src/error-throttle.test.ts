import { expect, test } from "vitest";
import { ErrorThrottle } from "./error-throttle.ts";

test("a failure counts for its time, for its key, until it is forgotten", () => {
  const throttle = new ErrorThrottle(1_000);
  throttle.failed("a", "down", 0);
  expect(throttle.recent("a", 999)?.reason).toBe("down");
  expect(throttle.recent("b", 0)).toBeUndefined();
  expect(throttle.recent("a", 1_000)).toBeUndefined();
  throttle.failed("a", "down", 2_000);
  throttle.forget("a");
  expect(throttle.recent("a", 2_000)).toBeUndefined();
  throttle.failed("a", "down", 2_000);
  throttle.clear();
  expect(throttle.recent("a", 2_000)).toBeUndefined();
});

test("0 throttles nothing", () => {
  const throttle = new ErrorThrottle(0);
  throttle.failed("a", "down", 0);
  expect(throttle.recent("a", 0)).toBeUndefined();
});

test("an undefined reason counts as well", () => {
  const throttle = new ErrorThrottle(1_000);
  throttle.failed("a", undefined, 0);
  expect(throttle.recent("a", 0)).toBeDefined();
});
