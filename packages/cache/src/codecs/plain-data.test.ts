import { expect, test } from "vitest";
import { inspectPlainData } from "./plain-data.ts";

// What is refused is tested with the codec that refuses it: structured.test.ts.

test("a tree is no graph, and needs no amendments", () => {
  const { isGraph, amendments } = inspectPlainData([{ a: [1, { b: new Map([[1, "x"]]) }] }]);
  expect([isGraph, amendments]).toEqual([false, undefined]);
});

test("what is reachable twice is a graph, a cycle too", () => {
  const shared = {};
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(inspectPlainData([[shared, shared]]).isGraph).toBe(true);
  expect(inspectPlainData([cycle]).isGraph).toBe(true);
});

test("an amendment names the container and the place", () => {
  const list = [1, -0];
  const value = { list, text: "\ud800", map: new Map([["k", -0]]) };
  expect(inspectPlainData([value]).amendments).toEqual([
    { container: list, key: 1, value: -0 },
    { container: value, key: "text", value: "\ud800" },
    { container: value.map, key: "k", value: -0 },
  ]);
});

test("the value itself stands in its holder", () => {
  const holder: [number] = [-0];
  expect(inspectPlainData(holder).amendments).toEqual([{ container: holder, key: 0, value: -0 }]);
});
