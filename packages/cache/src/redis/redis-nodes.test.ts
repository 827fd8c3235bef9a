import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { isNodeList, placedNodes } from "./redis-nodes.ts";

function client(): Redis {
  const redis = new Redis({ lazyConnect: true });
  onTestFinished(() => redis.disconnect());
  return redis;
}

test("a partition is the place in the order of names, however the nodes are listed", () => {
  const nodes = ["c", "a", "b"].map((name) => ({ name, client: client() }));
  for (const list of [nodes, [...nodes].reverse()]) {
    expect(placedNodes(list).map(({ id, partition, weight }) => [id, partition, weight])).toEqual([
      ["a", 0, 1],
      ["b", 1, 1],
      ["c", 2, 1],
    ]);
  }
});

test("a list is told from a client", () => {
  expect(isNodeList([{ name: "a", client: client() }])).toBe(true);
  expect(isNodeList(client())).toBe(false);
});

test("no node, a name twice, a bad weight and what is no client are refused", () => {
  const node = { name: "a", client: client() };
  expect(() => placedNodes([])).toThrow(RangeError);
  expect(() => placedNodes([node, node])).toThrow(/"a" twice/);
  expect(() => placedNodes([{ ...node, weight: 0 }])).toThrow(/weight of node "a"/);
  expect(() => placedNodes([{ name: "a", client: {} as Redis }])).toThrow(/client of node "a"/);
});
