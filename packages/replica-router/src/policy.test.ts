import { expect, test } from "vitest";
import { cheapest } from "./policy.ts";
import type { Host } from "./topology/host.ts";

const hosts = ["a", "b", "c"].map((name) => ({ name, inFlight: 1 })) as Host[];
const cost = (host: Host) => host.inFlight;

test("equals take turns", () => {
  expect([0, 1, 2, 3].map((turn) => cheapest(hosts, turn, cost).name)).toEqual([
    "a",
    "b",
    "c",
    "a",
  ]);
});

test("who costs least is picked whoever's turn it is", () => {
  const idle = { name: "idle", inFlight: 0 } as Host;
  for (const turn of [0, 1, 2, 3]) expect(cheapest([...hosts, idle], turn, cost)).toBe(idle);
});

test("costs that are no numbers still leave somebody", () => {
  expect(cheapest(hosts, 0, () => Number.POSITIVE_INFINITY)).toBe(hosts[0]);
  expect(() => cheapest([], 0, cost)).toThrow(RangeError);
});
