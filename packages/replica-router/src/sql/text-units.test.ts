import fc from "fast-check";
import { expect, test } from "vitest";
import { unitsOf } from "./text-units.ts";

test("the units of any text, then zeros, whatever was there before", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 100 })), (texts) => {
      for (const text of texts) {
        const expected = [...text.split("").map((unit) => unit.charCodeAt(0)), 0, 0, 0];
        expect([...unitsOf(text).slice(0, text.length + 3)]).toEqual(expected);
      }
    }),
  );
});

test("it grows with the text", () => {
  for (const length of [8_189, 8_190, 8_192, 100_000]) {
    const units = unitsOf("a".repeat(length));
    expect([units[0], units[length - 1], units[length], units[length + 2]]).toEqual([97, 97, 0, 0]);
  }
});
