import fc from "fast-check";
import { expect, test } from "vitest";
import { hashOf, NameFilter } from "./name-filter.ts";

test("it has all that it was given", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string())), (sets) => {
      const filter = new NameFilter(sets);
      expect(sets.flat().every((name) => filter.mayHave(hashOf(name)))).toBe(true);
    }),
  );
});

test("and is right about most others", () => {
  const filter = new NameFilter([Array.from({ length: 5000 }, (_, n) => `function_${n}`)]);
  const others = Array.from({ length: 5000 }, (_, n) => `column${n}`);
  expect(others.filter((name) => filter.mayHave(hashOf(name))).length).toBeLessThan(1000);
});
