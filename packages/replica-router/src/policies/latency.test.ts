import { PeakEwma } from "@headroom/core/ewma";
import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { latency } from "./latency.ts";

function host(answersInMs: number, inFlight: number): Host {
  const measured = new PeakEwma(10_000, 1, 0);
  measured.update(answersInMs, 0);
  return { inFlight, latency: measured, weightAt: () => 1 } as unknown as Host;
}

test("the one that is expected to answer first", () => {
  const policy = latency();
  const [near, far] = [host(2, 0), host(20, 0)];
  expect(policy.pick([far, near], 0)).toBe(near);
  expect(policy.pick([far, host(2, 20)], 0)).toBe(far);
});
