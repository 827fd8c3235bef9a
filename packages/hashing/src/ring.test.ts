import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Key } from "./key.ts";
import { createRing, type Ring, ringFromJson } from "./ring.ts";
import { diffRings } from "./ring-diff.ts";

type Server = { readonly id: string; readonly weight: number };

const weights = fc.double({ min: 0.01, max: 5, noNaN: true });
const servers = fc.uniqueArray(
  fc.record({ id: fc.string({ unit: "binary", minLength: 1, maxLength: 8 }), weight: weights }),
  { minLength: 1, maxLength: 12, selector: ({ id }) => id },
);
const twoServersOrMore = servers.filter((nodes) => nodes.length > 1);
/** Small rings too, where one point is a large range. */
const options = fc.record({ pointsPerWeight: fc.integer({ min: 1, max: 60 }) });
const keys = fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array());

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `node-${i}`);
}

function sameRing(a: Ring, b: Ring): void {
  expect(JSON.stringify(a)).toBe(JSON.stringify(b));
  expect(diffRings(a, b)).toEqual({ share: 0, moves: [] });
}

describe("a ring", () => {
  test("places keys alike in every process and every release", () => {
    // Should these change, every cache behind a ring starts cold: that is a major version.
    const ring = createRing(ids(5));
    const placed = ["", "user:1", "user:2", "日本", "😀"].map((key) => ring.locate(key));
    expect(placed).toEqual(["node-2", "node-0", "node-2", "node-3", "node-0"]);
    expect([...createRing(["a", "b"], { pointsPerWeight: 2 }).ranges()]).toEqual([
      { start: 0, end: 820_986_465, node: "b" },
      { start: 820_986_465, end: 2_498_924_962, node: "a" },
      { start: 2_498_924_962, end: 2 ** 32, node: "b" },
    ]);
    const weighted = [
      { id: "a", weight: 1.25 },
      { id: "b", weight: 0.4 },
    ];
    const ranges = [...createRing(weighted, { pointsPerWeight: 2 }).ranges()];
    expect(ranges.map(({ end, node }) => [end, node.id])).toEqual([
      [2_498_924_962, "a"],
      [3_194_451_916, "b"],
      [2 ** 32, "a"],
    ]);
  });

  test("does not follow a weight that is tuned after it was built", () => {
    const nodes = ids(3).map((id) => ({ id, weight: 1 }));
    const ring = createRing(nodes);
    const before = JSON.stringify(ring);
    for (const node of nodes) node.weight = 5;
    const late = { id: "late", weight: 1 };
    expect(JSON.stringify(ring)).toBe(before);
    sameRing(ring.with(late).without("late"), ring);
    expect(diffRings(ring, ringFromJson(JSON.parse(before))).share).toBe(0);
    expect(ring.weights).toEqual([1, 1, 1]);
  });

  test("cannot be written to", () => {
    const ring = createRing(ids(3));
    expect(() => Object.assign(ring, { nodes: ["x"] })).toThrow(TypeError);
  });

  test("is restored with the caller's own nodes", () => {
    const pools = new Map(ids(3).map((id) => [id, { id, weight: 7, open: true }]));
    const json = JSON.stringify(createRing(ids(3)));
    const nodeOf = ({ id }: { id: string }) => pools.get(id) ?? { id, weight: 0, open: false };
    const restored = ringFromJson(JSON.parse(json), { nodeOf });
    expect(restored.locate("user:1")).toBe(pools.get(createRing(ids(3)).locate("user:1")));
    expect(JSON.stringify(restored)).toBe(json);
  });

  test("gives back the very node it was given", () => {
    const pool = { id: "10.0.0.1:6379", weight: 2, connections: [] };
    expect(createRing([pool]).locate("user:1")).toBe(pool);
  });

  test("places a text and its UTF-8 bytes alike", () => {
    const ring = createRing(ids(50));
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(ring.locate(new TextEncoder().encode(text))).toBe(ring.locate(text));
      }),
    );
  });

  test("places a key of a megabyte", () => {
    const ring = createRing(ids(3));
    expect(ring.nodes).toContain(ring.locate("x".repeat(1_000_000)));
  });

  test("does not depend on the order in which nodes are listed", () => {
    fc.assert(
      fc.property(servers, options, fc.infiniteStream(fc.nat()), (nodes, ringOptions, draws) => {
        const shuffled = nodes
          .map((node) => ({ node, draw: draws.next().value }))
          .sort((a, b) => a.draw - b.draw)
          .map(({ node }) => node);
        sameRing(createRing(shuffled, ringOptions), createRing(nodes, ringOptions));
      }),
    );
  });

  test("is the same whether it was built or grown node by node", () => {
    fc.assert(
      fc.property(servers, options, (nodes, ringOptions) => {
        const [first, ...rest] = nodes as [Server, ...Server[]];
        let grown = createRing([first], ringOptions);
        for (const node of rest) grown = grown.with(node);
        sameRing(grown, createRing(nodes, ringOptions));
      }),
    );
  });

  test("is the same whether a node was never there or was taken out", () => {
    fc.assert(
      fc.property(twoServersOrMore, options, (nodes, ringOptions) => {
        const [gone, ...rest] = nodes as [Server, ...Server[]];
        const shrunk = createRing(nodes, ringOptions).without(gone.id);
        sameRing(shrunk, createRing(rest, ringOptions));
        sameRing(shrunk.with(gone), createRing(nodes, ringOptions));
      }),
    );
  });

  test("moves keys only to a node that comes, and only from a node that goes", () => {
    fc.assert(
      fc.property(twoServersOrMore, options, (nodes, ringOptions) => {
        const [changed, ...rest] = nodes as [Server, ...Server[]];
        const small = createRing(rest, ringOptions);
        const large = small.with(changed);
        for (const { to } of diffRings(small, large).moves) expect(to).toBe(changed.id);
        for (const { from } of diffRings(large, small).moves) expect(from).toBe(changed.id);
      }),
    );
  });

  test("moves keys only to a node whose weight is raised, and only from one that is lowered", () => {
    fc.assert(
      fc.property(servers, weights, options, (nodes, added, ringOptions) => {
        const [changed, ...rest] = nodes as [Server, ...Server[]];
        const light = createRing(nodes, ringOptions);
        const heavier = { id: changed.id, weight: changed.weight + added };
        const heavy = createRing([...rest, heavier], ringOptions);
        for (const { to } of diffRings(light, heavy).moves) expect(to).toBe(changed.id);
        for (const { from } of diffRings(heavy, light).moves) expect(from).toBe(changed.id);
      }),
    );
  });

  test("says in its ranges where each key is", () => {
    const ring = createRing([{ id: "a" }, { id: "b", weight: 2.5 }], { pointsPerWeight: 7 });
    const [first] = ring.ranges();
    expect(first?.start).toBe(0);
    expect([...ring.ranges()].at(-1)?.end).toBe(2 ** 32);
    // murmur3("test") is 0xba6bd213.
    const range = [...ring.ranges()].find(({ end }) => end > 0xba6bd213);
    expect(ring.locate("test")).toBe(range?.node);
  });

  test("leaves the ring it came from as it was", () => {
    const ring = createRing(ids(3));
    const before = [...ring.ranges()];
    ring.with("node-9");
    ring.without("node-1");
    expect([...ring.ranges()]).toEqual(before);
    expect(Object.isFrozen(ring.nodes)).toBe(true);
    expect(Object.isFrozen(ring.without("node-1").nodes)).toBe(true);
  });

  test("survives JSON, as ids and weights", () => {
    fc.assert(
      fc.property(servers, options, keys, (nodes, ringOptions, key) => {
        const ring = createRing(nodes, ringOptions);
        const revived = ringFromJson(JSON.parse(JSON.stringify(ring)));
        sameRing(revived, ring);
        expect(revived.locate(key)).toEqual(ring.locate(key));
      }),
    );
  });

  test("has JSON that a person can read", () => {
    expect(JSON.stringify(createRing(["b", { id: "a", weight: 0.5 }]))).toBe(
      '{"pointsPerWeight":160,"nodes":[{"id":"a","weight":0.5},{"id":"b","weight":1}]}',
    );
  });
});

describe("the nodes of a key and its copies", () => {
  test("are different, begin with the key's node, and are all there are when more are asked for", () => {
    fc.assert(
      fc.property(
        servers,
        options,
        keys,
        fc.integer({ min: 1, max: 20 }),
        (nodes, ringOptions, key, count) => {
          const ring = createRing(nodes, ringOptions);
          const found = ring.locateN(key, count);
          expect(found[0]).toBe(ring.locate(key));
          expect(found).toHaveLength(Math.min(count, nodes.length));
          expect(new Set(found).size).toBe(found.length);
        },
      ),
    );
  });

  test("keep their order when one of them goes away", () => {
    fc.assert(
      fc.property(twoServersOrMore, options, keys, (nodes, ringOptions, key) => {
        const ring = createRing(nodes, ringOptions);
        const [first, ...rest] = ring.locateN(key, nodes.length) as [Server, ...Server[]];
        expect(ring.without(first.id).locateN(key, nodes.length)).toEqual(rest);
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "cannot be %d in number",
    (count) => {
      expect(() => createRing(ids(3)).locateN("key", count)).toThrow(
        new RangeError(`count must be an integer of at least 1, got ${count}`),
      );
    },
  );
});

test("all of many nodes come in the order in which the key would fall to them", () => {
  const ring = createRing(ids(40));
  for (const key of ["x", "y", "z"]) {
    expect(ring.locateN(key, 17)).toEqual([...ring.clockwise(key)].slice(0, 17));
    expect(ring.locateN(key, 16)).toEqual([...ring.clockwise(key)].slice(0, 16));
    expect(ring.locateN(key, 99)).toEqual([...ring.clockwise(key)]);
  }
});

describe("a ring refuses", () => {
  test.each([42, undefined, null, ["a"], { id: "a" }, 7n])("the key %s", (key) => {
    const ring = createRing(ids(3));
    expect(() => ring.locate(key as unknown as Key)).toThrow(TypeError);
    expect(() => ring.locateN(key as unknown as Key, 2)).toThrow(TypeError);
    expect(() => ring.clockwise(key as unknown as Key)).toThrow(TypeError);
  });

  test("no nodes, the same id twice, and weights that are not above 0", () => {
    expect(() => createRing([])).toThrow(RangeError);
    expect(() => createRing(["a", { id: "a" }])).toThrow(RangeError);
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createRing([{ id: "a", weight }])).toThrow(/weight of node "a"/);
    }
  });

  test.each([0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d points per weight",
    (points) => {
      expect(() => createRing(["a"], { pointsPerWeight: points })).toThrow(
        new RangeError(`pointsPerWeight must be an integer of at least 1, got ${points}`),
      );
    },
  );

  test("more points than memory is worth, before it takes the memory", () => {
    const message = /at most 4194304 points, got 16000000000000: lower the weights or pointsPer/;
    expect(() => createRing([{ id: "a", weight: 1e11 }])).toThrow(message);
    expect(() => createRing([{ id: "b" }, { id: "a", weight: 1e30 }])).toThrow(RangeError);
    const ring = createRing<{ id: string; weight?: number }>([{ id: "b" }]);
    expect(() => ring.with({ id: "a", weight: 1e11 })).toThrow(
      message.source.replace("000:", "160:"),
    );
  });

  test("a node it has, the removal of one it has not, and of its last", () => {
    const ring = createRing(["a", "b"]);
    expect(() => ring.with("a")).toThrow(/"a" is already placed/);
    expect(() => ring.without("c")).toThrow(/No node has the id "c"/);
    expect(() => ring.without("a").without("b")).toThrow(/"b" is the last/);
  });
});
