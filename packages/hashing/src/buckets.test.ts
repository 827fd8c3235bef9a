import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys, sequentialKeys } from "../test/chi-square.ts";
import { type Buckets, bucketsFromJson, createBuckets } from "./buckets.ts";
import { murmur3 } from "./murmur3.ts";
import { diffBuckets } from "./table-diff.ts";

interface Weighted {
  readonly id: string;
  readonly weight: number;
}

const node = fc.record({
  id: fc.string({ minLength: 1, maxLength: 8 }),
  weight: fc.integer({ min: 1, max: 9 }),
});
const cluster = fc.uniqueArray(node, { selector: ({ id }) => id, minLength: 1, maxLength: 12 });
const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `shard-${String(index).padStart(4, "0")}`);

function countsOf(buckets: Buckets): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ownersOf(buckets)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function ownersOf(buckets: Buckets): string[] {
  return Array.from({ length: buckets.size }, (_, bucket) => {
    const owner = buckets.nodeAt(bucket);
    return typeof owner === "string" ? owner : owner.id;
  });
}

/** Σ max(0, new count − old count): what no plan can undercut. */
function leastMoves(before: Buckets, after: Buckets): number {
  const had = countsOf(before);
  return [...countsOf(after)].reduce(
    (sum, [id, n]) => sum + Math.max(0, n - (had.get(id) ?? 0)),
    0,
  );
}

describe("locating", () => {
  test("a key's bucket is the low bits of its murmur3, and its node has that bucket", () => {
    const buckets = createBuckets(["a", "b", "c"]);
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(buckets.bucketOf(key)).toBe(murmur3(key) % 4096);
        expect(buckets.locate(key)).toBe(buckets.nodeAt(buckets.bucketOf(key)));
      }),
    );
  });

  test("gives back the very value that was passed in", () => {
    const pool = { id: "a", connections: 5 };
    expect(createBuckets([pool]).locate("key")).toBe(pool);
  });

  test("takes the caller's hash, of the caller's kind of key", () => {
    const hash = (id: bigint): number => Number(BigInt.asUintN(32, id));
    const buckets = createBuckets(["a", "b"], { buckets: 16, hash });
    expect(buckets.bucketOf(35n)).toBe(3);
    expect(buckets.locate(35n)).toBe(buckets.with("c").without("c").nodeAt(3));
  });

  test.each([-1, 2 ** 32, 0.5, Number.NaN])("refuses %d as a hash", (value) => {
    const buckets = createBuckets(["a"], { hash: () => value });
    expect(() => buckets.locate("key")).toThrow(
      new TypeError(`hash must return an integer from 0 to 2^32 - 1, got ${value}`),
    );
  });

  test.each([[42], [undefined], [null], [[]], [{}]])("refuses %o as a key", (key) => {
    expect(() => createBuckets(["a"]).locate(key as unknown as string)).toThrow(TypeError);
  });

  test.each([-1, 4096, 0.5])("has no bucket %d", (bucket) => {
    expect(() => createBuckets(["a"]).nodeAt(bucket)).toThrow(
      new RangeError(`bucket must be an integer from 0 to 4095, got ${bucket}`),
    );
  });
});

describe("shares", () => {
  test("every node has its quota, rounded down or up", () => {
    fc.assert(
      fc.property(cluster, (nodes) => {
        const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
        const counts = countsOf(createBuckets(nodes, { buckets: 1024 }));
        for (const { id, weight } of nodes) {
          expect(Math.abs((counts.get(id) ?? 0) - (1024 * weight) / total)).toBeLessThan(1);
        }
      }),
    );
  });

  test("depend on the nodes, not on history", () => {
    fc.assert(
      fc.property(cluster, cluster, (first, second) => {
        const changed = createBuckets(first, { buckets: 256 }).withNodes(second);
        expect(countsOf(changed)).toEqual(countsOf(createBuckets(second, { buckets: 256 })));
      }),
    );
  });

  describe.each([
    ["random", randomKeys(131_072, 11)],
    ["sequential", sequentialKeys(131_072)],
  ])("%s keys", (_, keys) => {
    test.each([10, 100, 1000])(
      "fall on %d nodes as their buckets promise, but for chance (quantile 0.9999)",
      (n) => {
        const buckets = createBuckets(names(n));
        const found = new Map<string, number>();
        for (const key of keys)
          found.set(buckets.locate(key), (found.get(buckets.locate(key)) ?? 0) + 1);
        const shares = countsOf(buckets);
        const observed = buckets.nodes.map((id) => found.get(id) ?? 0);
        const expected = buckets.nodes.map((id) => ((shares.get(id) ?? 0) / 4096) * keys.length);
        expect(chiSquare(observed, expected)).toBeLessThan(chiSquareBound(n - 1));
      },
    );
  });
});

describe("changes", () => {
  test("move as few buckets as the new counts allow", () => {
    fc.assert(
      fc.property(fc.array(cluster, { minLength: 2, maxLength: 6 }), (steps) => {
        let buckets: Buckets<Weighted> = createBuckets(steps[0] as Weighted[], { buckets: 256 });
        for (const nodes of steps.slice(1)) {
          const after = buckets.withNodes(nodes);
          expect(diffBuckets(buckets, after).moves.length).toBe(leastMoves(buckets, after));
          buckets = after;
        }
      }),
    );
  });

  test("between nodes of equal weight concern only the one that comes or goes", () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(ids, ([id = "", ...rest]) => {
        const before = createBuckets(rest, { buckets: 128 });
        const moves = diffBuckets(before, before.with(id)).moves;
        expect(moves.every(({ to }) => to === id)).toBe(true);
        const back = diffBuckets(before.with(id), before.with(id).without(id)).moves;
        expect(back.every(({ from }) => from === id)).toBe(true);
      }),
    );
  });

  test("raising a weight never takes a bucket from its node", () => {
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 9 }), ([first, ...rest], more) => {
        const { id, weight } = first as Weighted;
        const before = createBuckets([{ id, weight }, ...rest], { buckets: 256 });
        const after = before.withNodes([{ id, weight: weight + more }, ...rest]);
        expect(diffBuckets(before, after).moves.every(({ from }) => from !== id)).toBe(true);
      }),
    );
  });

  test("of a built table, undone in one step, give it back", () => {
    fc.assert(
      fc.property(cluster, cluster, (first, second) => {
        const built = createBuckets(first, { buckets: 256 });
        expect(built.withNodes(second).withNodes(first).toJSON()).toEqual(built.toJSON());
      }),
    );
  });

  test("that add nodes in the order of their ids give what building at once gives", () => {
    fc.assert(
      fc.property(cluster, (nodes) => {
        const [first, ...rest] = createBuckets(nodes, { buckets: 256 }).nodes;
        let grown: Buckets<Weighted> = createBuckets([first as Weighted], { buckets: 256 });
        for (const next of rest) grown = grown.with(next);
        expect(grown.toJSON()).toEqual(createBuckets(nodes, { buckets: 256 }).toJSON());
      }),
    );
  });

  test("leave the table they start from as it was", () => {
    const before = createBuckets(["a", "b"]);
    const json = before.toJSON();
    before.with("c");
    before.without("a");
    expect(before.toJSON()).toEqual(json);
  });

  test("keep the caller's hash", () => {
    const buckets = createBuckets(["a"], { hash: () => 7 });
    expect(buckets.with("b").without("a").bucketOf("key")).toBe(7);
  });

  test("are refused when they make no sense", () => {
    const buckets = createBuckets(["a"], { buckets: 1 });
    expect(() => buckets.with("a")).toThrow(/Node "a" is already placed/);
    expect(() => buckets.without("b")).toThrow(/No node has the id "b"/);
    expect(() => buckets.without("a")).toThrow(/Node "a" is the last one/);
    expect(() => buckets.with("b")).toThrow(
      /buckets must be at least the number of nodes, 2, got 1/,
    );
  });
});

test("nodes in any order make the same table", () => {
  fc.assert(
    fc.property(cluster, (nodes) => {
      expect(createBuckets(nodes.toReversed())).toEqual(createBuckets(nodes));
      expect(createBuckets(nodes.toReversed()).toJSON()).toEqual(createBuckets(nodes).toJSON());
    }),
  );
});

describe("JSON", () => {
  test("keeps the table, history included", () => {
    fc.assert(
      fc.property(cluster, cluster, (first, second) => {
        const changed = createBuckets(first, { buckets: 128 }).withNodes(second);
        const restored = bucketsFromJson(JSON.parse(JSON.stringify(changed)));
        expect(restored.toJSON()).toEqual(changed.toJSON());
        expect(ownersOf(restored)).toEqual(ownersOf(changed));
      }),
    );
  });

  test("may list its nodes in any order, and hold a table edited by hand", () => {
    const json = {
      nodes: [
        { id: "b", weight: 1 },
        { id: "a", weight: 1 },
      ],
      table: [0, 0, 0, 1],
    };
    expect(ownersOf(bucketsFromJson(json))).toEqual(["b", "b", "b", "a"]);
  });

  const nodes = [{ id: "a", weight: 1 }];
  test.each([
    [
      { nodes, table: [0, 0, 0] },
      "The length of table must be a power of two from 1 to 65536, got 3",
    ],
    [{ nodes, table: [0, 1] }, "table[1] must be an index of nodes, got 1"],
    [{ nodes, table: ["0", 0] }, "table[0] must be an index of nodes, got 0"],
    [{ nodes: [], table: [0] }, "nodes must hold at least one node: no key could be placed"],
    [{ nodes }, "table must be an array, got undefined"],
  ])("%j is refused", (json, message) => {
    expect(() => bucketsFromJson(json as Parameters<typeof bucketsFromJson>[0])).toThrow(message);
  });
});

test.each([0, 3, -4, 4096.5, Number.NaN, 131_072])("%d buckets are refused", (buckets) => {
  expect(() => createBuckets(["a"], { buckets })).toThrow(
    new RangeError(`buckets must be a power of two from 1 to 65536, got ${buckets}`),
  );
});

test("a node too light to have a bucket is refused by name", () => {
  const light = { id: "light", weight: 0.001 };
  expect(() => createBuckets([light, { id: "heavy", weight: 100 }])).toThrow(
    new RangeError(
      'Node "light" would have none of 4096 buckets: its weight 0.001 is too small beside the others',
    ),
  );
});

test("as many nodes as buckets have one each, at the largest size", () => {
  const buckets = createBuckets(names(512), { buckets: 512 });
  expect([...countsOf(buckets).values()].every((count) => count === 1)).toBe(true);
});
