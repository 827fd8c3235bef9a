import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareBound, randomKeys, sequentialKeys } from "../test/chi-square.ts";
import { createMaglev, fillTable, type Maglev, maglevFromJson } from "./maglev.ts";
import { murmur3 } from "./murmur3.ts";
import { diffMaglev } from "./table-diff.ts";

const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `node-${index}`);
const node = fc.record({
  id: fc.string({ minLength: 1, maxLength: 8 }),
  weight: fc.integer({ min: 1, max: 9 }),
});
const cluster = fc.uniqueArray(node, { selector: ({ id }) => id, minLength: 2, maxLength: 12 });

/** For each entry, the index of its node. */
function tableOf(maglev: Maglev): number[] {
  return Array.from({ length: maglev.size }, (_, entry) =>
    maglev.nodes.indexOf(maglev.nodeAt(entry)),
  );
}

function entriesOf(maglev: Maglev): number[] {
  const counts = maglev.nodes.map(() => 0);
  for (const owner of tableOf(maglev)) counts[owner] = (counts[owner] as number) + 1;
  return counts;
}

describe("Envoy's tables (maglev_lb_test.cc)", () => {
  const address = (port: number): string => `127.0.0.1:${port}`;
  const ports = [90, 91, 92, 93, 94, 95];

  test("of six addresses", () => {
    expect(tableOf(createMaglev(ports.map(address), { size: 7 }))).toEqual([2, 4, 0, 1, 5, 0, 3]);
  });

  test("of six host names", () => {
    expect(tableOf(createMaglev(ports.map(String), { size: 7 }))).toEqual([2, 5, 0, 3, 4, 1, 0]);
  });

  // `chooseHost`: hash ^= ~0ULL - attempt + 1.
  test.each([
    [0n, 1],
    [1n, 0],
    [2n, 5],
  ])("send hash 10 in attempt %d to host %d", (attempt, host) => {
    const maglev = createMaglev(ports.map(address), { size: 7 });
    const hash = attempt === 0n ? 10n : BigInt.asUintN(64, 10n ^ (2n ** 64n - attempt));
    expect(maglev.nodeAt(Number(hash % 7n))).toBe(address(90 + host));
  });

  test.each([
    [1, 2, [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1]],
    [1, 1, [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1]],
  ])("of weights %d and %d", (first, second, expected) => {
    const nodes = [
      { id: address(90), weight: first },
      { id: address(91), weight: second },
    ];
    expect(tableOf(createMaglev(nodes, { size: 17 }))).toEqual(expected);
  });

  test("of weights 1 and 2 at the default size have 21846 and 43691 entries", () => {
    const nodes = [
      { id: address(90), weight: 1 },
      { id: address(91), weight: 2 },
    ];
    expect(entriesOf(createMaglev(nodes))).toEqual([21_846, 43_691]);
  });
});

// The paper's table 1, as dgryski/go-maglev tests it.
test.each([
  [
    [
      [3, 0, 4, 1, 5, 2, 6],
      [0, 2, 4, 6, 1, 3, 5],
      [3, 4, 5, 6, 0, 1, 2],
    ],
    [1, 0, 1, 0, 2, 2, 0],
  ],
  [
    [
      [3, 0, 4, 1, 5, 2, 6],
      [3, 4, 5, 6, 0, 1, 2],
    ],
    [0, 0, 0, 0, 1, 1, 1],
  ],
])("the permutations of the paper, %j, fill the table as there", (permutations, expected) => {
  const rest = permutations.map((permutation) => permutation.values());
  const next = (of: number): number => rest[of]?.next().value ?? Number.NaN;
  expect([
    ...fillTable(
      7,
      permutations.map(() => 1),
      next,
    ),
  ]).toEqual(expected);
});

test("nodes have the turns that asking all of them in each iteration would give", () => {
  const size = 251;
  const anyWeight = fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(anyWeight, { minLength: 1, maxLength: 30 }), (given) => {
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const weights = given.map((weight) => weight / total);
      const order: number[] = [];
      // Who wants the entries one by one, whoever it is, gets them in the order of the turns.
      fillTable(size, weights, (node) => order.push(node) - 1);
      expect(order).toEqual(turnsByAsking(size, weights));
    }),
  );
});

/** Envoy's loop as it stands there. */
function turnsByAsking(count: number, weights: readonly number[]): number[] {
  const order: number[] = [];
  const targets = weights.map(() => 0);
  const largest = Math.max(...weights);
  for (let iteration = 1; order.length < count; iteration++) {
    for (const [node, weight] of weights.entries()) {
      if (iteration * weight < (targets[node] as number)) continue;
      targets[node] = (targets[node] as number) + largest;
      order.push(node);
    }
  }
  return order.slice(0, count);
}

describe("disruption", () => {
  // cilium/cilium, pkg/maglev/maglev_test.go.
  test("one of three nodes gone changes less than 1 % of the others' entries at size 1021", () => {
    const before = createMaglev(["one", "two", "three"], { size: 1021 });
    for (const id of before.nodes) {
      const unrelated = diffMaglev(before, before.without(id)).moves.filter(
        ({ from }) => from !== id,
      );
      expect(unrelated.length / 1021).toBeLessThan(0.01);
    }
  });

  // Of 65,537 entries. No bound is proven for these; the counts are of these ids, and stay.
  test.each([
    [10, 178],
    [100, 353],
  ])("one more than %d nodes takes its share, and moves %d entries of the rest", (n, expected) => {
    const before = createMaglev(ids(n));
    const { moves } = diffMaglev(before, before.with("new"));
    const unrelated = moves.filter(({ to }) => to !== "new").length;
    expect(unrelated).toBe(expected);
    expect(Math.abs(moves.length - unrelated - before.size / (n + 1))).toBeLessThan(1);
  });

  test("going and coming back changes nothing", () => {
    fc.assert(
      fc.property(cluster, ([first, ...rest]) => {
        const all = createMaglev([first as (typeof rest)[number], ...rest], { size: 251 });
        const back = all.without(first?.id ?? "").with(first as (typeof rest)[number]);
        expect(diffMaglev(all, back).moves).toEqual([]);
      }),
    );
  });
});

describe("shares", () => {
  test("of equal nodes differ by one entry at most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.constantFrom(61, 251, 1021), (n, size) => {
        const counts = entriesOf(createMaglev(ids(n), { size }));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("follow the weights within one entry for the part of each, and nobody has none", () => {
    fc.assert(
      fc.property(cluster, (nodes) => {
        const maglev = createMaglev(nodes, { size: 1021 });
        const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
        entriesOf(maglev).forEach((count, index) => {
          expect(count).toBeGreaterThan(0);
          const part = (1021 * (maglev.nodes[index]?.weight ?? 0)) / total;
          expect(Math.abs(count - part)).toBeLessThan(nodes.length);
        });
      }),
    );
  });

  test("of a node do not fall when its weight rises", () => {
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 9 }), ([first, ...rest], more) => {
        const { id, weight } = first as (typeof rest)[number];
        const count = (maglev: Maglev): number =>
          entriesOf(maglev)[
            maglev.nodes.findIndex((of) => typeof of !== "string" && of.id === id)
          ] ?? 0;
        const before = createMaglev([{ id, weight }, ...rest], { size: 1021 });
        const after = createMaglev([{ id, weight: weight + more }, ...rest], { size: 1021 });
        expect(count(after)).toBeGreaterThanOrEqual(count(before));
      }),
    );
  });

  test("of extreme weights leave the lightest an entry", () => {
    const nodes = [
      { id: "light", weight: 1e-30 },
      { id: "heavy", weight: 1e29 },
      { id: "heavier", weight: 1e30 },
    ];
    expect(Math.min(...entriesOf(createMaglev(nodes, { size: 1021 })))).toBe(1);
  });

  describe.each([
    ["random", randomKeys(131_072, 23)],
    ["sequential", sequentialKeys(131_072)],
  ])("%s keys", (_, keys) => {
    test.each([10, 100, 1000])("fall on %d nodes as evenly as chance (quantile 0.9999)", (n) => {
      const maglev = createMaglev(ids(n));
      const counts = new Map(maglev.nodes.map((id) => [id, 0]));
      for (const key of keys) {
        const id = maglev.locate(key);
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const expected = entriesOf(maglev).map((entries) => (entries / maglev.size) * keys.length);
      expect(chiSquare([...counts.values()], expected)).toBeLessThan(chiSquareBound(n - 1));
    });
  });
});

test("a key is at the entry of its murmur3", () => {
  const maglev = createMaglev(["a", "b", "c"]);
  for (const key of randomKeys(200, 29)) {
    expect(maglev.locate(key)).toBe(maglev.nodeAt(murmur3(key) % 65_537));
  }
});

test("nodes in any order make the same table", () => {
  fc.assert(
    fc.property(cluster, (nodes) => {
      const reversed = createMaglev(nodes.toReversed(), { size: 251 });
      expect(diffMaglev(createMaglev(nodes, { size: 251 }), reversed).moves).toEqual([]);
    }),
  );
});

test("gives back the very value that was passed in", () => {
  const pool = { id: "a", connections: 5 };
  expect(createMaglev([pool], { size: 2 }).locate("key")).toBe(pool);
});

test("a weight that is tuned after the table was built does not count", () => {
  const nodes = [1, 2, 3].map((weight) => ({ id: `node-${weight}`, weight }));
  const maglev = createMaglev(nodes, { size: 251 });
  const before = maglev.toJSON();
  for (const node of nodes) node.weight = 5;
  expect(maglev.toJSON()).toEqual(before);
  const back = maglev.with({ id: "late", weight: 1 }).without("late");
  expect(diffMaglev(back, maglev).moves).toEqual([]);
});

test("JSON and the caller's own nodes give the placement back", () => {
  const nodes = ["a", "b"].map((id) => ({ id, weight: 1, open: true }));
  const json = createMaglev(nodes, { size: 251 }).toJSON();
  const nodeOf = ({ id }: { id: string }) => (id === "a" ? nodes[0] : nodes[1]) ?? { id };
  expect(maglevFromJson(json, { nodeOf }).nodes).toEqual(nodes);
});

test("JSON gives an equal table", () => {
  const maglev = createMaglev([{ id: "b", weight: 2, host: "b.example" }, { id: "a" }], {
    size: 251,
  });
  expect(maglev.toJSON()).toEqual({
    size: 251,
    nodes: [
      { id: "a", weight: 1 },
      { id: "b", weight: 2 },
    ],
  });
  expect(diffMaglev(maglev, maglevFromJson(JSON.parse(JSON.stringify(maglev)))).moves).toEqual([]);
});

test.each([
  [65_536, "size must be a prime, got 65536: the next one is 65537"],
  [8, "size must be a prime, got 8: the next one is 11"],
  [1, "size must be a prime from 2 to 5000011, got 1"],
  [7.5, "size must be a prime from 2 to 5000011, got 7.5"],
  [Number.NaN, "size must be a prime from 2 to 5000011, got NaN"],
  [5_000_077, "size must be a prime from 2 to 5000011, got 5000077"],
])("a size of %d is refused", (size, message) => {
  expect(() => createMaglev(["a"], { size })).toThrow(new RangeError(message));
});

test("more nodes than entries are refused", () => {
  expect(() => createMaglev(["a", "b", "c"], { size: 2 })).toThrow(
    new RangeError("size must be at least the number of nodes, 3, got 2"),
  );
});

test.each([[42], [undefined], [null], [[]], [{}]])("refuses %o as a key", (key) => {
  expect(() => createMaglev(["a"], { size: 2 }).locate(key as unknown as string)).toThrow(
    TypeError,
  );
});

test.each([-1, 7, 0.5, "length", "0"])("has no entry %s", (entry) => {
  expect(() => createMaglev(["a"], { size: 7 }).nodeAt(entry as number)).toThrow(
    new RangeError(`entry must be an integer from 0 to 6, got ${entry}`),
  );
});

test("changes that make no sense are refused", () => {
  const one = createMaglev(["a"], { size: 7 });
  expect(() => one.with("a")).toThrow(/Node "a" is already placed/);
  expect(() => one.without("b")).toThrow(/No node has the id "b"/);
  expect(() => one.without("a")).toThrow(/Node "a" is the last one/);
});
