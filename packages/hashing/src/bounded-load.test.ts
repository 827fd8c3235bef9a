import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { locateBounded } from "./bounded-load.ts";
import type { Key } from "./key.ts";
import { createRing } from "./ring.ts";

interface Worker {
  readonly id: string;
  readonly weight: number;
}

const workers = fc
  .array(fc.double({ min: 0.1, max: 5, noNaN: true }), { minLength: 1, maxLength: 8 })
  .map((weights) => weights.map((weight, i): Worker => ({ id: `worker-${i}`, weight })));
const factors = fc.double({ min: 1, max: 3, noNaN: true });
const counts = fc.array(fc.nat(1000), { minLength: 8, maxLength: 8 });

function loadsFrom(loads: readonly number[]): (worker: Worker) => number {
  return ({ id }) => loads[Number(id.slice("worker-".length))] ?? 0;
}

/** Places `keys` one after another, each counting 1 and none ever leaving. */
function fill(nodes: readonly string[], keys: Iterable<string>, balanceFactor: number) {
  const ring = createRing(nodes);
  const loads = new Map(nodes.map((node) => [node, 0]));
  const loadOf = (node: string) => loads.get(node) ?? 0;
  for (const key of keys) {
    const node = locateBounded(ring, key, loadOf, { balanceFactor });
    loads.set(node, loadOf(node) + 1);
  }
  return loads;
}

describe("bounded load", () => {
  test("is the ring's own placement while nothing is overloaded", () => {
    fc.assert(
      fc.property(workers, factors, fc.string(), (nodes, balanceFactor, key) => {
        const ring = createRing(nodes, { pointsPerWeight: 20 });
        expect(locateBounded(ring, key, () => 0, { balanceFactor })).toBe(ring.locate(key));
      }),
    );
  });

  test("takes the first node clockwise that is below its capacity", () => {
    fc.assert(
      fc.property(workers, counts, factors, fc.string(), (nodes, loads, balanceFactor, key) => {
        const ring = createRing(nodes, { pointsPerWeight: 20 });
        const loadOf = loadsFrom(loads);
        const totalLoad = nodes.reduce((sum, node) => sum + loadOf(node), 0);
        const totalWeight = ring.nodes.reduce((sum, { weight }) => sum + weight, 0);
        const perWeight = (balanceFactor * (totalLoad + 1)) / totalWeight;
        const expected = ring
          .locateN(key, nodes.length)
          .find((node) => loadOf(node) < Math.ceil(perWeight * node.weight));
        expect(locateBounded(ring, key, loadOf, { balanceFactor })).toBe(expected);
      }),
    );
  });

  test("keeps a hot key from filling one node, however often it comes", () => {
    const loads = fill(["a", "b", "c", "d"], Array<string>(1000).fill("hot"), 1.25);
    expect(Math.max(...loads.values())).toBe(Math.ceil((1.25 * 1000) / 4));
    expect([...loads.values()].reduce((sum, load) => sum + load)).toBe(1000);
  });

  test("keeps every node within its part of the load times the factor", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.string({ maxLength: 1 }), { maxLength: 200 }),
        factors,
        (nodeCount, keys, balanceFactor) => {
          const nodes = Array.from({ length: nodeCount }, (_, i) => `node-${i}`);
          const loads = fill(nodes, keys, balanceFactor);
          const bound = Math.ceil((balanceFactor * keys.length) / nodeCount + 1e-9);
          expect(Math.max(...loads.values())).toBeLessThanOrEqual(bound);
        },
      ),
    );
  });

  test("places every key of a cluster that grows from 3 to 7 under full load", () => {
    const keys = Array.from({ length: 20 }, (_, i) => `partition-${i}`);
    for (let nodeCount = 3; nodeCount <= 7; nodeCount++) {
      const nodes = Array.from({ length: nodeCount }, (_, i) => `node-${i}`);
      const loads = fill(nodes, keys, 1);
      expect(Math.max(...loads.values())).toBe(Math.ceil(20 / nodeCount));
    }
  });

  test("finds a node for any load whatsoever, and the same one every time", () => {
    const anyLoad = fc.array(
      fc.oneof(
        fc.double(),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, Number.MAX_VALUE, 5e-324),
      ),
      { minLength: 8, maxLength: 8 },
    );
    fc.assert(
      fc.property(workers, anyLoad, factors, fc.string(), (nodes, loads, balanceFactor, key) => {
        const ring = createRing(nodes, { pointsPerWeight: 5 });
        const found = locateBounded(ring, key, loadsFrom(loads), { balanceFactor });
        expect(nodes).toContain(found);
        expect(locateBounded(ring, key, loadsFrom(loads), { balanceFactor })).toBe(found);
      }),
    );
  });

  test("finds a node when loads are so large that one more does not count", () => {
    const ring = createRing<Worker>([
      { id: "a", weight: 1 },
      { id: "b", weight: 4 },
    ]);
    const loadOf = ({ weight }: Worker) => weight * 2 ** 60;
    expect(locateBounded(ring, "key", loadOf, { balanceFactor: 1 })).toBe(ring.locate("key"));
  });

  test("avoids a node that is full also where loads are too large to count one more", () => {
    const ring = createRing<Worker>([
      { id: "a", weight: 1 },
      { id: "b", weight: 4 },
      { id: "c", weight: 2 },
    ]);
    for (const key of ["x", "y", "z"]) {
      const [own, next] = ring.locateN(key, 2);
      const loadOf = (node: Worker) => (node === own ? Infinity : node.weight * 2 ** 60);
      expect(locateBounded(ring, key, loadOf, { balanceFactor: 1 })).toBe(next);
    }
  });

  test("asks each node for its load once, however many are full", () => {
    const ring = createRing(["a", "b", "c", "d"]);
    const asked: string[] = [];
    const loadOf = (node: string) => {
      asked.push(node);
      return node === "d" ? 0 : 1000;
    };
    expect(locateBounded(ring, "key", loadOf)).toBe("d");
    expect(asked.toSorted()).toEqual(["a", "b", "c", "d"]);
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN])("avoids nodes that report %d", (full) => {
    const ring = createRing(["a", "b", "c", "d"]);
    for (let i = 0; i < 100; i++) {
      const [first, second, third, fourth] = ring.locateN(`key-${i}`, 4);
      const loadOf = (node: string) => (node === first || node === third ? full : 0);
      expect(locateBounded(ring, `key-${i}`, loadOf)).toBe(second);
      const onlyLast = (node: string) => (node === fourth ? 1e6 : full);
      expect(locateBounded(ring, `key-${i}`, onlyLast)).toBe(fourth);
      expect(locateBounded(ring, `key-${i}`, () => full)).toBe(first);
    }
  });

  test("counts nodes that are full neither in the load nor in the weights", () => {
    const ring = createRing(["a", "b", "c"]);
    const [first = "", second = "", third = ""] = ring.locateN("key", 3);
    const loads: Record<string, number> = { [first]: 100, [second]: 0, [third]: Infinity };
    expect(locateBounded(ring, "key", (node) => loads[node] ?? 0)).toBe(second);
  });

  test("takes a node of which no load is known for full", () => {
    const ring = createRing(["a", "b"]);
    const [own, next] = ring.locateN("key", 2);
    const loadOf = (node: string) => (node === own ? undefined : 1) as number;
    expect(locateBounded(ring, "key", loadOf)).toBe(next);
  });

  test("counts a load below 0 as 0", () => {
    const ring = createRing(["a", "b"]);
    const own = ring.locate("key");
    // Capacity: ⌈1.25 × (own + 1) / 2⌉ = 2; with the −100 it would be below 0.
    expect(locateBounded(ring, "key", (node) => (node === own ? 1 : -100))).toBe(own);
    expect(locateBounded(ring, "key", (node) => (node === own ? 2 : -100))).not.toBe(own);
  });

  test("rounds the capacity up, for loads that are fractions too", () => {
    const ring = createRing(["a", "b"]);
    const own = ring.locate("key");
    // Capacity: ⌈1 × (2.8 + 0 + 1) / 2⌉ = ⌈1.9⌉ = 2.
    const loadOf = (load: number) => (node: string) => (node === own ? load : 2.8 - load);
    expect(locateBounded(ring, "key", loadOf(1.95), { balanceFactor: 1 })).toBe(own);
    expect(locateBounded(ring, "key", loadOf(2), { balanceFactor: 1 })).not.toBe(own);
  });

  test("goes by the weights that the nodes were placed by", () => {
    const nodes = [
      { id: "a", weight: 1 },
      { id: "b", weight: 1 },
    ];
    const ring = createRing(nodes);
    const own = ring.locate("key");
    own.weight = 100;
    expect(locateBounded(ring, "key", (node) => (node === own ? 64 : 36))).not.toBe(own);
  });

  test("sends the overflow of a node to the same next nodes", () => {
    const ring = createRing(["a", "b", "c", "d", "e"]);
    const loadOf = (node: string) => (node === ring.locate("hot") ? 50 : 10);
    const expected = ring.locateN("hot", 2)[1];
    expect(locateBounded(ring, "hot", loadOf)).toBe(expected);
    expect(locateBounded(ring.with("f").without("f"), "hot", loadOf)).toBe(expected);
  });

  test("allows a quarter more than the part of each node by default", () => {
    const ring = createRing(["a", "b"]);
    const own = ring.locate("key");
    // Capacity: ⌈1.25 × (total + 1) / 2⌉, with a total of 100 that is 64.
    expect(locateBounded(ring, "key", (node) => (node === own ? 63 : 37))).toBe(own);
    expect(locateBounded(ring, "key", (node) => (node === own ? 64 : 36))).not.toBe(own);
  });

  test.each([0.99, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses the factor %d", (c) => {
    expect(() => locateBounded(createRing(["a"]), "key", () => 0, { balanceFactor: c })).toThrow(
      new RangeError(`balanceFactor must be a finite number of at least 1, got ${c}`),
    );
  });

  test("refuses a key that is neither text nor bytes", () => {
    expect(() => locateBounded(createRing(["a"]), 42 as unknown as Key, () => 0)).toThrow(
      TypeError,
    );
  });

  test("lets an error of the caller's own function through", () => {
    const broken = new Error("no figures");
    const loadOf = (): number => {
      throw broken;
    };
    expect(() => locateBounded(createRing(["a"]), "key", loadOf)).toThrow(broken);
  });
});
