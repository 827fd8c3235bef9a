import { expect, test } from "vitest";
import {
  idOf,
  membersFromJson,
  membersOf,
  membersWith,
  membersWithout,
  nodesOf,
  nodesToJson,
  type PlacementNode,
} from "./node.ts";

const ids = (members: readonly { readonly id: string }[]) => members.map(({ id }) => id);

test("nodes come back in the order of their ids, as the values they were", () => {
  const pool = { id: "b", weight: 2, url: "http://b.test" };
  const nodes = nodesOf(membersOf<PlacementNode>(["c", pool, "a"]));
  expect(nodes).toEqual(["a", pool, "c"]);
  expect(nodes[1]).toBe(pool);
  expect(Object.isFrozen(nodes)).toBe(true);
});

test("their order is that of UTF-16 code units, in every language", () => {
  expect(ids(membersOf(["a", "B", "_", "é", "Z", "10", "9"]))).toEqual([
    ..."10 9 B Z _ a é".split(" "),
  ]);
});

test("an id and a weight are read off either form", () => {
  expect([idOf("a"), idOf({ id: "b" })]).toEqual(["a", "b"]);
  expect(nodesToJson(membersOf(["a", { id: "b" }, { id: "c", weight: 0.5 }]))).toEqual([
    { id: "a", weight: 1 },
    { id: "b", weight: 1 },
    { id: "c", weight: 0.5 },
  ]);
});

test("what is tuned later does not count", () => {
  const pool = { id: "a", weight: 1 };
  const list = [pool];
  const members = membersOf(list);
  pool.weight = 5;
  list.push({ id: "b", weight: 1 });
  expect(nodesToJson(members)).toEqual([{ id: "a", weight: 1 }]);
  expect(nodesToJson(membersWith(members, { id: "c", weight: 2 }))).toEqual([
    { id: "a", weight: 1 },
    { id: "c", weight: 2 },
  ]);
});

test.each([
  ["not an array", "ab", TypeError, "nodes must be an array, got string"],
  ["empty", [], RangeError, /at least one node/],
  [
    "without an id",
    ["a", { weight: 1 }],
    TypeError,
    /^nodes\[1\] must be .* whose id is undefined$/,
  ],
  ["a number", [42], TypeError, /^nodes\[0\] must be an id or have a string id, got number$/],
  ["null", [null], TypeError, /got null$/],
  ["undefined", [undefined], TypeError, /got undefined$/],
  ["a symbol", [Symbol("a")], TypeError, /got symbol$/],
  ["a list", [["a"]], TypeError, /got Array whose id is undefined$/],
  ["with an empty id", [""], RangeError, /must not be empty/],
  ["with a lone surrogate", ["a\ud800"], RangeError, /well-formed text, got "a\\ud800"/],
  ["twice the same", ["a", { id: "a" }], RangeError, /"a" twice/],
  ["twice the same and long", ["a".repeat(200), "a".repeat(200)], RangeError, /"a{100}…" twice/],
  [
    "of weight 0",
    [{ id: "a", weight: 0 }],
    RangeError,
    'The weight of node "a" must be a number from 1e-30 to 1e+30, got 0',
  ],
  ["of negative weight", [{ id: "a", weight: -1 }], RangeError, /got -1/],
  ["of weight NaN", [{ id: "a", weight: Number.NaN }], RangeError, /got NaN/],
  ["of infinite weight", [{ id: "a", weight: Infinity }], RangeError, /got Infinity/],
  ["of a weight beyond reason", [{ id: "a", weight: 1.1e30 }], RangeError, /got 1.1e\+30/],
  ["of a weight next to nothing", [{ id: "a", weight: 0.9e-30 }], RangeError, /got 9e-31/],
  ["of a weight in words", [{ id: "a", weight: "2" }], RangeError, /got 2/],
  ["of a weight that JSON made null", [{ id: "a", weight: null }], RangeError, /got null/],
] as const)("nodes that are %s are refused by name", (_, nodes, kind, message) => {
  const place = () => membersOf(nodes as unknown as PlacementNode[]);
  expect(place).toThrow(kind);
  expect(place).toThrow(message);
});

test("a node is added by a new id, in its place, and leaves the list it is added to alone", () => {
  const members = membersOf(["a", "c"]);
  expect(ids(membersWith(members, "b"))).toEqual(["a", "b", "c"]);
  expect(ids(members)).toEqual(["a", "c"]);
});

test("a node is the same by its id, whatever else it holds", () => {
  const members = membersOf([{ id: "a", weight: 1 }]);
  expect(() => membersWith(members, { id: "a", weight: 2 })).toThrow(
    new RangeError('Node "a" is already placed: with() adds one with a new id'),
  );
});

test.each([undefined, null, 42, {}])("%s cannot be added", (node) => {
  expect(() => membersWith(membersOf(["a"]), node as unknown as string)).toThrow(
    /^A node must be an id or have a string id, got /,
  );
});

test("a node goes by its id", () => {
  const [first, second] = [{ id: "a" }, { id: "b" }];
  expect(nodesOf(membersWithout(membersOf([first, second]), "a"))).toEqual([second]);
});

test("nobody goes whom nobody knows, nor the last one", () => {
  expect(() => membersWithout(membersOf(["a", "b"]), "c")).toThrow(
    new RangeError('No node has the id "c": without() takes the id of a placed node'),
  );
  expect(() => membersWithout(membersOf(["a"]), "a")).toThrow(
    new RangeError('Node "a" is the last one: without it no key could be placed'),
  );
});

test("stored nodes become values again, by their ids and with their stored weights", () => {
  const pools = { a: { id: "a", weight: 9 }, b: { id: "b", weight: 9 } };
  const stored = [
    { id: "b", weight: 2 },
    { id: "a", weight: 1 },
  ];
  const members = membersFromJson(stored, { nodeOf: ({ id }) => pools[id as "a" | "b"] });
  expect(nodesOf(members)).toEqual([pools.a, pools.b]);
  expect(nodesToJson(members)).toEqual(stored.toReversed());
  expect(nodesOf(membersFromJson(stored, undefined))).toEqual(stored.toReversed());
});

test("a stored node becomes no other, and not nothing", () => {
  const stored = [{ id: "a", weight: 1 }];
  expect(() => membersFromJson(stored, { nodeOf: () => "b" })).toThrow(
    new RangeError('nodeOf("a") must have that id, got "b"'),
  );
  expect(() => membersFromJson(stored, { nodeOf: () => undefined as unknown as string })).toThrow(
    new TypeError('nodeOf("a") must be an id or have a string id, got undefined'),
  );
});
