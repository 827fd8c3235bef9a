import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { endsAtMs, isOver, touchNow } from "./session-lifetime.ts";

test("a use begins the idle time anew, and never goes past the end", async () => {
  const clock = createManualClock();
  const rules = { clock, idleMs: 1_000, absoluteMs: 1_500 };
  const meta = { createdAtMs: clock.now() };
  expect(touchNow(rules, meta)).toEqual({ seenAtMs: clock.now(), ttlMs: 1_000 });
  await clock.advance(1_000);
  expect(touchNow(rules, meta).ttlMs).toBe(500);
  expect(touchNow(rules, undefined).ttlMs).toBe(1_000);
  expect(isOver(rules, meta)).toBe(false);
  await clock.advance(500);
  expect(isOver(rules, meta)).toBe(true);
  expect(endsAtMs(rules, meta)).toBe(clock.now());
  expect(touchNow(rules, meta).ttlMs).toBe(1);
});
