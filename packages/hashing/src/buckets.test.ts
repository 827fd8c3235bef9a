import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys, sequentialKeys } from "../test/chi-square.ts";
import { type Buckets, type BucketsJson, bucketsFromJson, createBuckets } from "./buckets.ts";
import { murmur3 } from "./murmur3.ts";
import { hashtext } from "./postgres-hash.ts";
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
    const buckets = createBuckets(["a", "b"], { size: 16, hash });
    expect(buckets.bucketOf(35n)).toBe(3);
    expect(buckets.locate(35n)).toBe(buckets.with("c").without("c").nodeAt(3));
  });

  test("takes PostgreSQL's hashes, which are signed", () => {
    const buckets = createBuckets(["a", "b"], { hash: hashtext });
    for (const key of randomKeys(1_000, 1)) {
      expect(buckets.bucketOf(key)).toBe(Number(BigInt.asUintN(12, BigInt(hashtext(key)))));
    }
  });

  test.each([-(2 ** 31) - 1, 2 ** 32, 0.5, Number.NaN])("refuses %d as a hash", (value) => {
    const buckets = createBuckets(["a"], { hash: () => value });
    expect(() => buckets.locate("key")).toThrow(
      new TypeError(`hash must return a 32-bit integer, signed or not, got ${value}`),
    );
  });

  test.each([[42], [undefined], [null], [[]], [{}]])("refuses %o as a key", (key) => {
    expect(() => createBuckets(["a"]).locate(key as unknown as string)).toThrow(TypeError);
  });

  test.each([-1, 4096, 0.5, "length", "0"])("has no bucket %s", (bucket) => {
    expect(() => createBuckets(["a"]).nodeAt(bucket as number)).toThrow(
      new RangeError(`bucket must be an integer from 0 to 4095, got ${bucket}`),
    );
  });
});

describe("shares", () => {
  test("every node has its quota, rounded down or up", () => {
    fc.assert(
      fc.property(cluster, (nodes) => {
        const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
        const counts = countsOf(createBuckets(nodes, { size: 1024 }));
        for (const { id, weight } of nodes) {
          expect(Math.abs((counts.get(id) ?? 0) - (1024 * weight) / total)).toBeLessThan(1);
        }
      }),
    );
  });

  test("depend on the nodes, not on history", () => {
    fc.assert(
      fc.property(cluster, cluster, (first, second) => {
        const changed = createBuckets(first, { size: 256 }).withNodes(second);
        expect(countsOf(changed)).toEqual(countsOf(createBuckets(second, { size: 256 })));
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
        let buckets: Buckets<Weighted> = createBuckets(steps[0] as Weighted[], { size: 256 });
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
        const before = createBuckets(rest, { size: 128 });
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
        const before = createBuckets([{ id, weight }, ...rest], { size: 256 });
        const after = before.withNodes([{ id, weight: weight + more }, ...rest]);
        expect(diffBuckets(before, after).moves.every(({ from }) => from !== id)).toBe(true);
      }),
    );
  });

  test("of a built table, undone in one step, give it back", () => {
    fc.assert(
      fc.property(cluster, cluster, (first, second) => {
        const built = createBuckets(first, { size: 256 });
        expect(built.withNodes(second).withNodes(first).toJSON()).toEqual(built.toJSON());
      }),
    );
  });

  test("that add nodes in the order of their ids give what building at once gives", () => {
    fc.assert(
      fc.property(cluster, (nodes) => {
        const [first, ...rest] = createBuckets(nodes, { size: 256 }).nodes;
        let grown: Buckets<Weighted> = createBuckets([first as Weighted], { size: 256 });
        for (const next of rest) grown = grown.with(next);
        expect(grown.toJSON()).toEqual(createBuckets(nodes, { size: 256 }).toJSON());
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
    const buckets = createBuckets(["a"], { size: 1 });
    expect(() => buckets.with("a")).toThrow(/Node "a" is already placed/);
    expect(() => buckets.without("b")).toThrow(/No node has the id "b"/);
    expect(() => buckets.without("a")).toThrow(/Node "a" is the last one/);
    expect(() => buckets.with("b")).toThrow(/size must be at least the number of nodes, 2, got 1/);
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
        const changed = createBuckets(first, { size: 128 }).withNodes(second);
        const restored = bucketsFromJson(JSON.parse(JSON.stringify(changed)));
        expect(restored.toJSON()).toEqual(changed.toJSON());
        expect(ownersOf(restored)).toEqual(ownersOf(changed));
      }),
    );
  });

  test("may list its nodes in any order, and hold a table edited by hand", () => {
    const json: BucketsJson = {
      hash: "murmur3",
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
    const stored = { hash: "murmur3", ...json } as unknown as BucketsJson;
    expect(() => bucketsFromJson(stored)).toThrow(message);
  });

  test("is read with the hash that the table was made with, and with no other", () => {
    const buckets = createBuckets(["a", "b"], { hash: hashtext });
    const json = buckets.toJSON();
    const restored = bucketsFromJson(json, { hash: hashtext });
    for (const key of randomKeys(100, 41)) {
      expect(restored.locate(key).id).toBe(buckets.locate(key));
    }
    const otherHash = /The table was made with the hash "own", not "murmur3"/;
    expect(() => bucketsFromJson(json)).toThrow(otherHash);
    const plain = createBuckets(["a"]).toJSON();
    const ownHash = /The table was made with the hash "murmur3", not "own"/;
    expect(() => bucketsFromJson(plain, { hash: hashtext })).toThrow(ownHash);
    const { hash: _, ...rest } = plain;
    expect(() => bucketsFromJson(rest as BucketsJson)).toThrow(/hash "undefined"/);
  });

  test("is restored with the caller's own nodes, and moves nothing by it", () => {
    const pools = ["a", "b"].map((id) => ({ id, weight: 7, open: true }));
    const json: BucketsJson = {
      hash: "murmur3",
      nodes: [
        { id: "a", weight: 1 },
        { id: "b", weight: 1 },
      ],
      table: [0, 0, 0, 1],
    };
    const nodeOf = ({ id }: { id: string }) => (id === "a" ? pools[0] : pools[1]) ?? { id };
    const restored = bucketsFromJson(json, { nodeOf });
    expect(restored.nodes).toEqual(pools);
    expect(restored.toJSON()).toEqual(json);
  });
});

test.each([0, 3, -4, 4096.5, Number.NaN, 131_072])("%d buckets are refused", (buckets) => {
  expect(() => createBuckets(["a"], { size: buckets })).toThrow(
    new RangeError(`size must be a power of two from 1 to 65536, got ${buckets}`),
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

test("as many nodes as buckets have one each", () => {
  const buckets = createBuckets(names(512), { size: 512 });
  expect([...countsOf(buckets).values()].every((count) => count === 1)).toBe(true);
});

test("the largest table is whole", () => {
  const buckets = createBuckets(names(3), { size: 65_536 });
  const counts = buckets.nodes.map((id) => countsOf(buckets).get(id));
  expect(counts).toEqual([21_846, 21_845, 21_845]);
  expect(bucketsFromJson(JSON.parse(JSON.stringify(buckets))).size).toBe(65_536);
});

test("tables of today are the tables of tomorrow", () => {
  const nodes = [{ id: "a" }, { id: "b", weight: 2 }, { id: "c" }];
  expect(createBuckets(nodes, { size: 16 }).toJSON().table.join("")).toBe("2221111111120000");
});

test("a weight that is tuned after the table was built does not count", () => {
  const nodes = [1, 2, 3].map((weight) => ({ id: `node-${weight}`, weight }));
  const buckets = createBuckets(nodes);
  const json = buckets.toJSON();
  for (const node of nodes) node.weight = 5;
  expect(buckets.toJSON()).toEqual(json);
  expect(buckets.with({ id: "late", weight: 1 }).without("late").toJSON()).toEqual(json);
});
