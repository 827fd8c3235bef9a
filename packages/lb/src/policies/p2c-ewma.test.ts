import { seededRandom } from "@headroom/core/random";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../../../hashing/test/chi-square.ts";
import {
  candidatesOf,
  countPicks,
  equalCandidates,
  fill,
  type Known,
} from "../../test/candidates.ts";
import { SimulatedServer, servers, simulate } from "../../test/simulation.ts";
import { p2cEwma } from "./p2c-ewma.ts";

/** Which of two that are both drawn is taken. */
function cheaper(a: Known, b: Known): string | undefined {
  const all = candidatesOf(a, b);
  return p2cEwma({ random: seededRandom(1) })
    .picker(all, all)
    .pick({ nowMs: 0 })?.id;
}

describe("the cost is latency × (in flight per unit + 1)", () => {
  test("of 20 ms and five in flight: 120", () => {
    expect(cheaper({ latencyMs: 20, inFlight: 5 }, { latencyMs: 119 })).toBe("b");
    expect(cheaper({ latencyMs: 20, inFlight: 5 }, { latencyMs: 121 })).toBe("a");
  });

  test("of 30 ms when idle: 30", () => {
    expect(cheaper({ latencyMs: 30 }, { latencyMs: 29 })).toBe("b");
    expect(cheaper({ latencyMs: 30 }, { latencyMs: 31 })).toBe("a");
  });

  test("of weight 1 at half its share, 10 ms and one in flight: 30", () => {
    const starting = { share: 0.5, latencyMs: 10, inFlight: 1 };
    expect(cheaper(starting, { latencyMs: 29 })).toBe("b");
    expect(cheaper(starting, { latencyMs: 31 })).toBe("a");
  });

  test("after a long silence, when no latency is left, of what is in flight", () => {
    expect(cheaper({ latencyMs: 0, inFlight: 3 }, { latencyMs: 0, inFlight: 2 })).toBe("b");
    expect(cheaper({ latencyMs: 0, inFlight: 1 }, { latencyMs: 1e-300, inFlight: 2 })).toBe("a");
  });
});

test("the latency is read at the time of the request, once a target", () => {
  const readAt: number[] = [];
  const all = equalCandidates(2);
  for (const candidate of all) candidate.latency = { estimateAt: (nowMs) => readAt.push(nowMs) };
  p2cEwma({ random: seededRandom(1) })
    .picker(all, all)
    .pick({ nowMs: 17 });
  expect(readAt).toEqual([17, 17]);
});

test("idle targets of one latency get their weight (seed 2, 99.99 %)", () => {
  const all = candidatesOf({ weight: 2 }, {}, { weight: 1, share: 0.5 });
  const counts = countPicks(p2cEwma({ random: seededRandom(2) }).picker(all, all), all, 70_000);
  expect(chiSquare(counts, [40_000, 20_000, 10_000])).toBeLessThan(chiSquareBound(2));
});

test.each([1, 2, 3])("of requests that stay nobody has twice the mean (seed %d)", (seed) => {
  const all = equalCandidates(100);
  const loads = fill(p2cEwma({ random: seededRandom(seed) }).picker(all, all), all, 1000);
  expect(Math.max(...loads)).toBeLessThanOrEqual(20);
});

/** Finagle's P2CPeakEwmaTest: a hundred servers and perhaps another, one request a millisecond. */
describe("Finagle's simulation (seed 12345)", () => {
  const FOR_MS = 50_000;
  const run = (all: SimulatedServer[]): number[] => {
    simulate(p2cEwma({ random: seededRandom(12_345) }), all, { forMs: FOR_MS });
    return all.map(({ requests }) => requests);
  };
  const expectEven = (requests: readonly number[]): void => {
    const mean = requests.reduce((sum, each) => sum + each, 0) / requests.length;
    for (const each of requests) expect(Math.abs(each - mean)).toBeLessThan(0.1 * mean);
  };

  test("is even across servers that are alike", () => {
    expectEven(run(servers(100, { answersInMs: 5, decayMs: 150 })));
  });

  test("asks a server that does not answer once", () => {
    const usual = { guessMs: 1000 };
    const silent = new SimulatedServer("silent", {
      ...usual,
      answersInMs: Number.POSITIVE_INFINITY,
    });
    const requests = run([...servers(100, { ...usual, answersInMs: 1 }), silent]);
    expectEven(requests.slice(0, 100));
    expect(requests[100]).toBe(1);
  });

  test("gives one that is twice as slow about half as much", () => {
    const slow = new SimulatedServer("slow", { answersInMs: 10, decayMs: 150 });
    const requests = run([...servers(100, { answersInMs: 5, decayMs: 150 }), slow]);
    expectEven(requests.slice(0, 100));
    const ratio = (requests[100] as number) / (FOR_MS / 100);
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(0.6);
  });
});

test.each([0.4, 2])("a server that hangs gets few requests, of %d a millisecond", (perMs) => {
  const hung = new SimulatedServer("hung", { answersInMs: Number.POSITIVE_INFINITY, guessMs: 5 });
  const all = [...servers(3, { answersInMs: 5 }), hung];
  simulate(p2cEwma({ random: seededRandom(3) }), all, { forMs: 30_000, perMs });
  // In three decay times, e^3 times what each of the others has under way with the next one.
  const underWay = (perMs * 5) / 3;
  expect(hung.requests).toBeLessThan(1.5 * Math.exp(3) * (underWay + 1));
  expect(hung.requests).toBeLessThan(0.004 * 30_000 * perMs);
});

describe("a server that fails at once, in 1 ms instead of 20", () => {
  const failing = (penalty: { penaltyMs?: number }): SimulatedServer => {
    const black = new SimulatedServer("failing", { answersInMs: 1, guessMs: 20, ...penalty });
    const all = [...servers(3, { answersInMs: 20 }), black];
    simulate(p2cEwma({ random: seededRandom(4) }), all, { forMs: 10_000, perMs: 0.4 });
    return black;
  };

  test("gets nothing after its first failure counts as 5 s", () => {
    expect(failing({ penaltyMs: 5000 }).requests).toBeLessThanOrEqual(1);
  });

  test("would get most if failures counted as fast answers", () => {
    expect(failing({}).requests).toBeGreaterThan(4000 / 2);
  });
});
