import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys, sequentialKeys } from "../test/chi-square.ts";
import { createRendezvous, type Rendezvous, rendezvousFromJson } from "./rendezvous.ts";

const node = fc.record({
  id: fc.string({ minLength: 1, maxLength: 8 }),
  weight: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.double({ min: 1e-3, max: 1e3, noNaN: true })),
});
const cluster = fc.uniqueArray(node, { selector: ({ id }) => id, minLength: 2, maxLength: 12 });
const keys = fc.array(fc.string(), { minLength: 20, maxLength: 20 });
const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `node-${index}`);

/** How many of the keys each node has, in the order of the nodes. */
function countsOf<Node extends string | { readonly id: string }>(
  placed: readonly string[],
  pick: (key: string) => Node,
  nodes: readonly Node[],
): number[] {
  const counts = new Map<Node, number>(nodes.map((node) => [node, 0]));
  for (const key of placed) {
    const node = pick(key);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts.values()];
}

describe("disruption", () => {
  test("a node that goes moves exactly its own keys, each to its second best", () => {
    fc.assert(
      fc.property(cluster, keys, (nodes, sample) => {
        const before = createRendezvous(nodes);
        for (const key of sample) {
          const [first, second] = before.locateN(key, 2);
          const without = (id: string) => before.without(id).locate(key).id;
          for (const { id } of nodes)
            expect(without(id)).toBe((first?.id === id ? second : first)?.id);
        }
      }),
    );
  });

  test("a node that comes takes keys for itself and moves no other", () => {
    fc.assert(
      fc.property(cluster, keys, ([added, ...rest], sample) => {
        const before = createRendezvous(rest);
        const after = before.with(added as (typeof rest)[number]);
        for (const key of sample) {
          expect([before.locate(key).id, added?.id]).toContain(after.locate(key).id);
        }
      }),
    );
  });

  test("a raised weight takes keys from nobody's node to nobody else's", () => {
    fc.assert(
      fc.property(
        cluster,
        fc.integer({ min: 1, max: 9 }),
        keys,
        ([first, ...rest], more, sample) => {
          const { id, weight } = first as (typeof rest)[number];
          const before = createRendezvous([{ id, weight }, ...rest]);
          const after = createRendezvous([{ id, weight: weight + more }, ...rest]);
          for (const key of sample) {
            expect([before.locate(key).id, id]).toContain(after.locate(key).id);
            if (before.locate(key).id === id) expect(after.locate(key).id).toBe(id);
          }
        },
      ),
    );
  });

  test("going and coming back changes nothing", () => {
    fc.assert(
      fc.property(cluster, keys, ([first, ...rest], sample) => {
        const all = createRendezvous([first as (typeof rest)[number], ...rest]);
        const back = all.without(first?.id ?? "").with(first as (typeof rest)[number]);
        expect(back.toJSON()).toEqual(all.toJSON());
        const count = rest.length + 1;
        for (const key of sample) expect(back.locateN(key, count)).toEqual(all.locateN(key, count));
      }),
    );
  });
});

describe.each([
  ["random", randomKeys(131_072, 13)],
  ["sequential", sequentialKeys(131_072)],
])("%s keys", (_, sample) => {
  test.each([10, 100])("are spread over %d nodes as evenly as chance (quantile 0.9999)", (n) => {
    const placement = createRendezvous(ids(n));
    const counts = countsOf(sample, (key) => placement.locate(key), placement.nodes);
    const expected = counts.map(() => sample.length / n);
    expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(n - 1));
  });

  test("are spread over 1000 nodes as evenly as chance (quantile 0.9999)", () => {
    const placement = createRendezvous(ids(1000));
    const some = sample.slice(0, 32_768);
    const counts = countsOf(some, (key) => placement.locate(key), placement.nodes);
    const expected = counts.map(() => some.length / 1000);
    expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(999));
  });

  test("follow the weights, but for chance (quantile 0.9999)", () => {
    const placement = createRendezvous(
      ids(10).map((id, index) => ({ id, weight: (index + 1) / 3 })),
    );
    const counts = countsOf(sample, (key) => placement.locate(key), placement.nodes);
    const expected = counts.map((_, index) => (sample.length * (index + 1)) / 55);
    expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(9));
  });

  test("of one node have their second places spread evenly over the others (quantile 0.9999)", () => {
    const placement = createRendezvous(ids(20));
    const [first = "", ...others] = placement.nodes;
    const owned = sample.filter((key) => placement.locate(key) === first);
    const counts = countsOf(owned, (key) => placement.locateN(key, 2)[1] ?? "", others);
    const expected = counts.map(() => owned.length / others.length);
    expect(chiSquare(counts, expected)).toBeLessThan(chiSquareBound(others.length - 1));
  });
});

describe("locateN", () => {
  test("begins with the key's node and holds different nodes, as many as there are", () => {
    fc.assert(
      fc.property(cluster, fc.string(), fc.integer({ min: 1, max: 20 }), (nodes, key, count) => {
        const placement = createRendezvous(nodes);
        const found = placement.locateN(key, count);
        expect(found[0]).toBe(placement.locate(key));
        expect(new Set(found).size).toBe(Math.min(count, nodes.length));
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses a count of %d", (count) => {
    expect(() => createRendezvous(["a"]).locateN("key", count)).toThrow(
      new RangeError(`count must be an integer of at least 1, got ${count}`),
    );
  });
});

test("nodes in any order are placed alike", () => {
  fc.assert(
    fc.property(cluster, keys, (nodes, sample) => {
      const [forth, back] = [createRendezvous(nodes), createRendezvous(nodes.toReversed())];
      expect(back.nodes).toEqual(forth.nodes);
      expect(sample.map((key) => back.locate(key))).toEqual(sample.map((key) => forth.locate(key)));
    }),
  );
});

test("equal weights of any size are placed as weight 1 is", () => {
  const ones: Rendezvous<{ id: string }> = createRendezvous(ids(7).map((id) => ({ id })));
  const mixed = createRendezvous([
    ...ids(7).map((id) => ({ id, weight: 1 })),
    { id: "x", weight: 1e-9 },
  ]);
  for (const key of randomKeys(2000, 17)) expect(mixed.locate(key).id).toBe(ones.locate(key).id);
});

test("JSON gives an equal placement", () => {
  const placement = createRendezvous([{ id: "b", weight: 2, host: "b.example" }, { id: "a" }]);
  expect(placement.toJSON()).toEqual({
    nodes: [
      { id: "a", weight: 1 },
      { id: "b", weight: 2 },
    ],
  });
  const restored = rendezvousFromJson(JSON.parse(JSON.stringify(placement)));
  for (const key of randomKeys(200, 19))
    expect(restored.locate(key).id).toBe(placement.locate(key).id);
});

test("a weight that is tuned after the placement was made does not count", () => {
  const nodes = [1, 2, 3].map((weight) => ({ id: `node-${weight}`, weight }));
  const placement = createRendezvous(nodes);
  const restored = rendezvousFromJson(placement.toJSON());
  for (const node of nodes) node.weight = 10 - node.weight;
  for (const key of randomKeys(200, 31)) {
    expect(placement.locate(key).id).toBe(restored.locate(key).id);
    expect(placement.locateN(key, 1)).toEqual([placement.locate(key)]);
  }
});

test("JSON and the caller's own nodes give the placement back", () => {
  const nodes = ["a", "b"].map((id) => ({ id, weight: 1, open: true }));
  const nodeOf = ({ id }: { id: string }) => (id === "a" ? nodes[0] : nodes[1]) ?? { id };
  const restored = rendezvousFromJson(createRendezvous(nodes).toJSON(), { nodeOf });
  expect(restored.nodes).toEqual(nodes);
});

test("the smallest and the largest weight there are share by their ratio", () => {
  for (const unit of [1e-30, 0.5e30]) {
    const nodes = [1, 2].map((share) => ({ id: `node-${share}`, weight: share * unit }));
    const placement = createRendezvous(nodes);
    const counts = countsOf(randomKeys(8192, 37), (key) => placement.locate(key), placement.nodes);
    expect(chiSquare(counts, [8192 / 3, (8192 * 2) / 3])).toBeLessThan(chiSquareBound(1));
  }
});

test("placements of today are the placements of tomorrow", () => {
  const weighted = createRendezvous([
    { id: "a", weight: 1 },
    { id: "b", weight: 2.5 },
    { id: "c", weight: 0.3 },
  ]);
  const placed = sequentialKeys(20).map((key) => weighted.locate(key).id);
  expect(placed.join("")).toBe("bcabcbbbaababaabbbab");
  const placement = createRendezvous(["a", "b", "c", "d"]);
  expect(
    sequentialKeys(12)
      .map((key) => placement.locate(key))
      .join(""),
  ).toBe("bcdbccbcdaca");
});

test.each([[42], [undefined], [null], [[]], [{}]])("refuses %o as a key", (key) => {
  expect(() => createRendezvous(["a"]).locate(key as unknown as string)).toThrow(TypeError);
});

test("changes that make no sense are refused", () => {
  const one = createRendezvous(["a"]);
  expect(() => one.with("a")).toThrow(/Node "a" is already placed/);
  expect(() => one.without("b")).toThrow(/No node has the id "b"/);
  expect(() => one.without("a")).toThrow(/Node "a" is the last one/);
});
