import { expect, test } from "vitest";
import * as entry from "./balancer-entry.ts";

test("policies and balancer can be had without HTTP", () => {
  expect(Object.keys(entry).toSorted()).toEqual([
    "ABANDONED",
    "FAILED",
    "LbError",
    "REFUSED",
    "SUCCESS",
    "boundedRing",
    "createBalancer",
    "dnsTargets",
    "leastInFlight",
    "maglev",
    "mapDiscovery",
    "p2c",
    "p2cEwma",
    "polledTargets",
    "pooled",
    "random",
    "rendezvous",
    "ring",
    "roundRobin",
    "smoothWeightedRoundRobin",
    "srvTargets",
    "targetFeed",
  ]);
});
