import { expect, test } from "vitest";
import { kindOf, pathText } from "./value-path.ts";

test("a path reads as code would", () => {
  expect(pathText([])).toBe("");
  expect(pathText(["user", "tags", 3, "a b", "$x"])).toBe('.user.tags[3]["a b"].$x');
});

test("keys of maps that are no names are only hinted at", () => {
  expect(pathText([{ secret: 1 }, "x-".repeat(21), null, 2n])).toBe("[…][…][…][2]");
});

test.each<[kind: string, value: unknown]>([
  ["a function", () => {}],
  ["a symbol", Symbol("secret")],
  ["a BigInt", 1n],
  ["undefined", undefined],
  ["NaN", Number.NaN],
  ["an instance of Date", new Date()],
  ["an object with a prototype", Object.create({ constructor: 1 })],
])("%s", (kind, value) => {
  expect(kindOf(value)).toBe(kind);
});
