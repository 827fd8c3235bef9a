import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { LeaseRenewal } from "./lease-renewal.ts";
import type { SharedTier } from "./shared-tier.ts";

test("a lease is renewed three times in its life, until its load is over", async () => {
  const clock = createManualClock();
  const renewed: unknown[] = [];
  const shared: Pick<SharedTier, "leaseMs" | "renew"> = {
    leaseMs: 3_000,
    renew: async (key, token) => void renewed.push([key, token, clock.monotonicNow()]),
  };
  const renewal = new LeaseRenewal(shared, "k", "token", clock);
  await clock.advance(2_500);
  renewal.stop();
  await clock.advance(10_000);
  expect(renewed).toEqual([
    ["k", "token", 1_000],
    ["k", "token", 2_000],
  ]);
  expect(clock.pending).toBe(0);
});
