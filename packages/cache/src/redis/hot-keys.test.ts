import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { HotKeys } from "./hot-keys.ts";

test("a key that is one read in twenty among many others is hot, and the others are not", () => {
  const random = seededRandom(5);
  const keys = new HotKeys();
  for (let read = 0; read < 50_000; read++) {
    keys.count(random() < 0.05 ? "hot" : `cold-${Math.floor(random() * 100_000)}`);
  }
  expect(keys.isHot("hot")).toBe(true);
  const cold = Array.from({ length: 100_000 }, (_, at) => `cold-${at}`);
  expect(cold.filter((key) => keys.isHot(key))).toEqual([]);
});

test("keys that are read alike are none of them hot", () => {
  const keys = new HotKeys();
  for (let read = 0; read < 50_000; read++) keys.count(`key-${read % 200}`);
  for (let at = 0; at < 200; at++) expect(keys.isHot(`key-${at}`)).toBe(false);
});

test("a key that nobody reads any more is not hot for ever", () => {
  const keys = new HotKeys();
  for (let read = 0; read < 10_000; read++) keys.count("hot");
  expect(keys.isHot("hot")).toBe(true);
  for (let read = 0; read < 200_000; read++) keys.count(`cold-${read}`);
  expect(keys.isHot("hot")).toBe(false);
});

test("from a few reads nothing is concluded", () => {
  const keys = new HotKeys();
  for (let read = 0; read < 999; read++) keys.count("only");
  expect(keys.isHot("only")).toBe(false);
  keys.count("only");
  expect(keys.isHot("only")).toBe(true);
});
