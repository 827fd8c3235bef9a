import { seededRandom } from "@headroom/core/random";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import { candidatesOf, countPicks, equalCandidates, fill } from "../../test/candidates.ts";
import { SimulatedServer, servers, simulate } from "../../test/simulation.ts";
import { p2c } from "./p2c.ts";

const PICKS = 100_000;

/**
 * The cases of Envoy's least_request_lb_simulation_test.cc. Envoy's shares, in comments, differ where
 * loads do: with equal weights it draws with replacement, so a busy host meets itself; with different
 * weights it does not draw at all, but schedules by weight / (active + 1).
 */
describe("shares of Envoy's simulation (99.99 %)", () => {
  test.each([
    // 33.3, 33.3, 33.3
    ["three idle", [{}, {}, {}], [1 / 3, 1 / 3, 1 / 3], 1],
    // 11.1, 44.45, 44.45
    ["one of three is busy", [{ inFlight: 10 }, {}, {}], [0, 1 / 2, 1 / 2], 2],
    // 25, 75
    ["one of two is busy", [{ inFlight: 10 }, {}], [0, 1], 3],
    // 66.7, 33.3
    ["weights 2 and 1, idle", [{ weight: 2 }, {}], [2 / 3, 1 / 3], 4],
    // 50, 50. Of the pairs of units only "both are the first's" takes the first: 2/3 × 1/2.
    ["weight 2 with one in flight, of two", [{ weight: 2, inFlight: 1 }, {}], [1 / 3, 2 / 3], 5],
    // 33.3, 33.3, 33.3. Here 2/4 × 1/3.
    [
      "weight 2 with one in flight, of three",
      [{ weight: 2, inFlight: 1 }, {}, {}],
      [1 / 6, 5 / 12, 5 / 12],
      6,
    ],
  ])("%s", (_, known, shares, seed) => {
    const all = candidatesOf(...known);
    const counts = countPicks(p2c({ random: seededRandom(seed) }).picker(all, all), all, PICKS);
    const possible = shares.flatMap((share, index) => (share > 0 ? [index] : []));
    shares.forEach((share, index) => {
      if (share === 0) expect(counts[index]).toBe(0);
    });
    const statistic = chiSquare(
      possible.map((index) => counts[index] as number),
      possible.map((index) => PICKS * (shares[index] as number)),
    );
    expect(statistic).toBeLessThan(chiSquareBound(Math.max(1, possible.length - 1)));
  });

  test("idle targets get their weight, whatever the weights", () => {
    const all = candidatesOf({ weight: 7 }, { weight: 0.5 }, { weight: 3, share: 0.5 }, {});
    const counts = countPicks(p2c({ random: seededRandom(8) }).picker(all, all), all, PICKS);
    const expected = [7, 0.5, 1.5, 1].map((weight) => (PICKS * weight) / 10);
    expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(3));
  });
});

describe("requests that stay under way", () => {
  // Finagle's LoadDistributionTest allows twice the mean.
  test.each([1, 2, 3])("nobody has twice the mean (seed %d)", (seed) => {
    const all = equalCandidates(100);
    const loads = fill(p2c({ random: seededRandom(seed) }).picker(all, all), all, 1000);
    expect(Math.max(...loads)).toBeLessThanOrEqual(20);
    // Two choices are far better than that: within log log n / log 2 ≈ 2.2 and a constant.
    expect(Math.max(...loads)).toBeLessThanOrEqual(14);
    expect(Math.min(...loads)).toBeGreaterThan(0);
  });

  test("loads come to be in proportion to the weights", () => {
    const all = candidatesOf({}, { weight: 2 }, { weight: 3 }, { weight: 4 });
    const loads = fill(p2c({ random: seededRandom(4) }).picker(all, all), all, 10_000);
    loads.forEach((load, index) => {
      expect(Math.abs(load - 1000 * (index + 1))).toBeLessThan(20);
    });
  });

  test("who starts slowly has its share of what is under way", () => {
    const all = candidatesOf({}, { share: 0.1 });
    const [full, slow] = fill(p2c({ random: seededRandom(5) }).picker(all, all), all, 1100);
    expect(Math.abs((full as number) - 1000)).toBeLessThan(12);
    expect(Math.abs((slow as number) - 100)).toBeLessThan(12);
  });
});

test("a slow server gets less, because more is under way there", () => {
  const all = [
    ...servers(9, { answersInMs: 5 }),
    new SimulatedServer("slow", { answersInMs: 200 }),
  ];
  simulate(p2c({ random: seededRandom(6) }), all, { forMs: 20_000 });
  expect(all[9]?.requests).toBeLessThan(20_000 / 10 / 4);
});

test("a server that fails at once attracts more than its share: it needs to be ejected", () => {
  const all = [
    ...servers(3, { answersInMs: 20 }),
    new SimulatedServer("failing", { answersInMs: 1 }),
  ];
  simulate(p2c({ random: seededRandom(7) }), all, { forMs: 10_000, perMs: 0.4 });
  expect(all[3]?.requests).toBeGreaterThan(1.5 * (4000 / 4));
});
