/**
 * How even a ring is, and how little it moves, against what chance allows.
 *
 * A node with p of a ring's N random points has a share of the circle that is Beta(p, N - p): on
 * average m = p / N. The shares of all nodes together are a Dirichlet distribution, for which
 * (N + 1) Σ (share - m)² / m follows chi-square with n - 1 degrees of freedom (closely, for p as
 * large as here). Counts of keys at nodes whose shares are known follow Pearson's chi-square.
 * Bounds are the 99.99 % quantiles; ids and keys are fixed, so that a result is always the same.
 */
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound } from "../test/chi-square.ts";
import { CIRCLE } from "./continuum.ts";
import { createRing, type Ring } from "./ring.ts";
import { diffRings } from "./ring-diff.ts";

/** The 99.99 % quantile of the normal distribution. */
const Z_9999 = 3.719;

function sharesOf(ring: Ring<{ id: string; weight: number }>): Map<string, number> {
  const shares = new Map(ring.nodes.map(({ id }) => [id, 0]));
  for (const { start, end, node } of ring.ranges()) {
    shares.set(node.id, (shares.get(node.id) ?? 0) + (end - start) / CIRCLE);
  }
  return shares;
}

/** The statistic of the shares; `points` of weight 1. */
function unevenness(ring: Ring<{ id: string; weight: number }>, points: number): number {
  const shares = sharesOf(ring);
  const all = ring.nodes.reduce((sum, { weight }) => sum + weight * points, 0);
  return ring.nodes.reduce((sum, { id, weight }) => {
    const expected = (weight * points) / all;
    return sum + ((all + 1) * ((shares.get(id) ?? 0) - expected) ** 2) / expected;
  }, 0);
}

function equalNodes(count: number, name = (i: number): string => `node-${i}`) {
  return Array.from({ length: count }, (_, i) => ({ id: name(i), weight: 1 }));
}

const NAMES: Record<string, (i: number) => string> = {
  "node-1, node-2": (i) => `node-${i}`,
  "one character": (i) => String.fromCharCode(0x21 + i),
  addresses: (i) => `10.0.${i >> 8}.${i & 255}:6379`,
  "long and alike": (i) => `${"cache.eu-central-1.example.com/".repeat(8)}${i}`,
};

describe("the shares of a ring's nodes", () => {
  test.each([2, 3, 10, 100, 1000])("are as even as random points are, for %d nodes", (count) => {
    const ring = createRing(equalNodes(count));
    expect(unevenness(ring, 160)).toBeLessThan(chiSquareBound(count - 1));
  });

  test.each(Object.keys(NAMES))("are so whatever the nodes are called: %s", (names) => {
    for (const count of [10, 100, 1000]) {
      const ring = createRing(equalNodes(count, NAMES[names]));
      expect(unevenness(ring, 160)).toBeLessThan(chiSquareBound(count - 1));
    }
  });

  test.each([16, 40, 160, 1000])("are so with %d points for weight 1", (pointsPerWeight) => {
    const ring = createRing(equalNodes(200), { pointsPerWeight });
    expect(unevenness(ring, pointsPerWeight)).toBeLessThan(chiSquareBound(199));
  });

  test("follow the weights, whole, fractional, and a thousand times another's", () => {
    const weights = [0.5, 0.75, 1, 1.25, 2, 3, 10, 500];
    const nodes = weights.map((weight, i) => ({ id: `node-${i}`, weight }));
    expect(unevenness(createRing(nodes), 160)).toBeLessThan(chiSquareBound(weights.length - 1));
  });

  test("are within the figures that the documentation gives", () => {
    const excess = [10, 100, 1000].map(
      (count) => Math.max(...sharesOf(createRing(equalNodes(count))).values()) * count,
    );
    expect(excess.map((max) => Number(max.toFixed(2)))).toEqual([1.15, 1.14, 1.34]);
  });

  test("are those of the keys, for keys that count up", () => {
    const ring = createRing(equalNodes(100));
    const counts = new Map(ring.nodes.map(({ id }) => [id, 0]));
    const keyCount = 131_072;
    for (let i = 0; i < keyCount; i++) {
      const { id } = ring.locate(`user:${i}`);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const expected = [...sharesOf(ring).values()].map((share) => share * keyCount);
    expect(chiSquare([...counts.values()], expected)).toBeLessThan(chiSquareBound(99));
  });
});

describe("a ring that grows by a node", () => {
  test.each([1, 10, 100, 1000])("from %d moves that node's share, and no more", (count) => {
    const before = createRing(equalNodes(count));
    const after = before.with({ id: "newcomer", weight: 1 });
    const { share, moves } = diffRings(before, after);
    expect(new Set(moves.map(({ to }) => to))).toEqual(new Set(["newcomer"]));
    expect(share).toBeCloseTo(sharesOf(after).get("newcomer") ?? Number.NaN, 12);
    const ideal = 1 / (count + 1);
    const deviation = Math.sqrt((ideal * (1 - ideal)) / (160 * (count + 1) + 1));
    expect(Math.abs(share - ideal)).toBeLessThan(Z_9999 * deviation);
  });

  test("takes from all other nodes in proportion to what they had", () => {
    const before = createRing(equalNodes(20), { pointsPerWeight: 1000 });
    const after = before.with({ id: "newcomer", weight: 1 });
    const lost = new Map<string, number>();
    for (const { start, end, from } of diffRings(before, after).moves) {
      lost.set(from, (lost.get(from) ?? 0) + (end - start) / CIRCLE);
    }
    // A node loses about 1000 / 21 gaps, whose lengths vary as exponential ones do.
    const expected = 1 / 21 / 20;
    const statistic = [...lost.values()].reduce(
      (sum, share) => sum + ((share - expected) / expected) ** 2,
      0,
    );
    expect(lost.size).toBe(20);
    expect(statistic).toBeLessThan((chiSquareBound(20) * 2 * 21) / 1000);
  });
});
