import { expect, test } from "vitest";
import { nodesWith, nodesWithout } from "./membership.ts";

test("a node is added by a new id and leaves the list it is added to alone", () => {
  const nodes = ["a"];
  expect(nodesWith(nodes, "b")).toEqual(["a", "b"]);
  expect(nodes).toEqual(["a"]);
});

test("a node is the same by its id, whatever else it holds", () => {
  expect(() => nodesWith([{ id: "a", weight: 1 }], { id: "a", weight: 2 })).toThrow(
    new RangeError('Node "a" is already placed: with() adds a node whose id is new'),
  );
});

test("a node goes by its id", () => {
  const [first, second] = [{ id: "a" }, { id: "b" }];
  expect(nodesWithout([first, second], "a")).toEqual([second]);
});

test("nobody goes whom nobody knows, nor the last one", () => {
  expect(() => nodesWithout(["a", "b"], "c")).toThrow(
    new RangeError('No node has the id "c": without() takes the id of a placed node'),
  );
  expect(() => nodesWithout(["a"], "a")).toThrow(
    new RangeError('Node "a" is the last one: without it no key could be placed'),
  );
});
