import fc from "fast-check";
import { expect, test } from "vitest";
import { intervalTicks } from "./interval-ticks.ts";

test("an hour ticks at each full hour", () => {
  const ticks = intervalTicks(3_600_000);
  const ten = Date.parse("2026-01-01T10:00:00Z");
  expect([ticks.upTo(ten), ticks.after(ten), ticks.upTo(ten - 1)]).toEqual([
    ten,
    ten + 3_600_000,
    ten - 3_600_000,
  ]);
});

test("each instant lies from one tick up to the next", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 1e10 }),
      fc.integer({ min: 0, max: 1e13 }),
      (everyMs, ms) => {
        const ticks = intervalTicks(everyMs);
        const [last, next] = [ticks.upTo(ms) ?? Number.NaN, ticks.after(ms) ?? Number.NaN];
        expect(last <= ms && ms < next && next - last === everyMs).toBe(true);
      },
    ),
  );
});

test("what is no interval is refused", () => {
  expect(() => intervalTicks(999)).toThrow(/everyMs must be an integer of at least 1000, got 999/);
  expect(() => intervalTicks(Number.NaN)).toThrow(RangeError);
});
