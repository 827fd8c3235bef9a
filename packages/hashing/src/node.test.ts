import { expect, test } from "vitest";
import { idOf, type PlacementNode, requireNodes, weightOf } from "./node.ts";

test("nodes come back in the order of their ids, as the values they were", () => {
  const pool = { id: "b", weight: 2, url: "http://b.test" };
  const nodes = requireNodes<PlacementNode>(["c", pool, "a"]);
  expect(nodes).toEqual(["a", pool, "c"]);
  expect(nodes[1]).toBe(pool);
  expect(Object.isFrozen(nodes)).toBe(true);
});

test("an id and a weight are read off either form", () => {
  expect([idOf("a"), idOf({ id: "b" })]).toEqual(["a", "b"]);
  expect([weightOf("a"), weightOf({ id: "b" }), weightOf({ id: "c", weight: 0.5 })]).toEqual([
    1, 1, 0.5,
  ]);
});

test.each([
  ["not an array", "ab", TypeError, /nodes must be an array/],
  ["empty", [], RangeError, /at least one node/],
  ["without an id", [{ weight: 1 }], TypeError, /string id, got undefined/],
  ["a number", [1], TypeError, /string id/],
  ["null", [null], TypeError, /string id/],
  ["with an empty id", [""], RangeError, /must not be empty/],
  ["with a lone surrogate", ["a\ud800"], RangeError, /well-formed text, got "a\\ud800"/],
  ["twice the same", ["a", { id: "a" }], RangeError, /"a" twice/],
  [
    "of weight 0",
    [{ id: "a", weight: 0 }],
    RangeError,
    /"a" must be a finite number above 0, got 0/,
  ],
  ["of negative weight", [{ id: "a", weight: -1 }], RangeError, /got -1/],
  ["of weight NaN", [{ id: "a", weight: Number.NaN }], RangeError, /got NaN/],
  [
    "of infinite weight",
    [{ id: "a", weight: Number.POSITIVE_INFINITY }],
    RangeError,
    /got Infinity/,
  ],
  ["of a weight in words", [{ id: "a", weight: "2" }], RangeError, /got 2/],
] as const)("nodes that are %s are refused by name", (_, nodes, kind, message) => {
  const place = () => requireNodes(nodes as unknown as PlacementNode[]);
  expect(place).toThrow(kind);
  expect(place).toThrow(message);
});
