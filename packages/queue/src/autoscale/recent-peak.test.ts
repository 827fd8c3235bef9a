import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentPeak } from "./recent-peak.ts";

test("it is the highest of those not older than the window", () => {
  const said = fc.array(fc.record({ value: fc.nat(20), afterMs: fc.nat(30) }));
  fc.assert(
    fc.property(said, fc.nat(100), (all, windowMs) => {
      const peak = new RecentPeak(windowMs);
      const seen: { value: number; atMs: number }[] = [];
      let nowMs = 0;
      for (const { value, afterMs } of all) {
        nowMs += afterMs;
        seen.push({ value, atMs: nowMs });
        const recent = seen.filter(({ atMs }) => atMs >= nowMs - windowMs);
        expect(peak.add(value, nowMs)).toBe(Math.max(...recent.map((one) => one.value)));
      }
    }),
  );
});
