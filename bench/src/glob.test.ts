import { expect, test } from "vitest";
import { matchesGlob } from "./glob.ts";

test.each([
  ["pick/p2c-ewma/n=100", "pick/*", true],
  ["pick/p2c-ewma/n=100", "*n=100", true],
  ["pick/p2c-ewma/n=100", "pick/p2c-ewma/n=100", true],
  ["pick/p2c-ewma/n=100", "pick/p2c-ewma/n=10?", true],
  ["pick/p2c-ewma/n=100", "pick", false],
  ["pick/p2c-ewma/n=100", "ring/*", false],
  ["a.b", "a.b", true],
  ["axb", "a.b", false],
  ["hit (warm)", "hit (warm)", true],
  ["anything", "*", true],
])("%s by %s: %s", (name, glob, expected) => {
  expect(matchesGlob(name, glob)).toBe(expected);
});
