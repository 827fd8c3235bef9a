import { expect, test } from "vitest";
import type { Host } from "../topology/host.ts";
import { leastInFlight } from "./least-in-flight.ts";

const host = (inFlight: number, weight: number) =>
  ({ inFlight, weightAt: () => weight }) as unknown as Host;

test("the one with the fewest under way for its weight", () => {
  const policy = leastInFlight();
  const [busy, idle, big] = [host(3, 1), host(1, 1), host(3, 4)];
  expect(policy.pick([busy, idle], 0)).toBe(idle);
  expect(policy.pick([idle, big], 0)).toBe(big);
});
