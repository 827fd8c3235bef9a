import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { anyPlainData } from "../../test/plain-data.ts";
import { hasKnownTokens } from "./msgpack-tokens.ts";

const packr = new Packr({ structuredClone: true });

test("whatever is packed consists of known tokens", () => {
  fc.assert(
    fc.property(anyPlainData, (value) => {
      expect(hasKnownTokens(packr.pack(value))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("a last token that is cut off is seen, wherever it is cut", () => {
  for (const value of [
    "a".repeat(300),
    "short",
    1.5,
    70_000,
    new Date(1.5),
    Buffer.alloc(300),
    3n,
  ]) {
    const bytes = packr.pack(value);
    for (let length = 1; length < bytes.length; length++) {
      expect(hasKnownTokens(bytes.subarray(0, length))).toBe(false);
    }
  }
});

test.each([
  ["c1", "a token that is never used"],
  ["d40500", "an extension of one byte that is none of ours"],
  ["d665c0c0c0c0", "an error"],
  ["c70162c0", "bundled strings"],
  ["d4724091d342424242424242420a", "a number as the name of a property"],
  ["d5724001", "a shape as nobody writes it"],
  ["d47240a161", "a shape without a list of names"],
  ["c8000178c0", "a regular expression, behind a length of two bytes"],
])("%s is refused: %s", (hex) => {
  expect(hasKnownTokens(Buffer.from(hex, "hex"))).toBe(false);
});

test("more shapes than there are ids for, with objects that are shared, are known tokens", () => {
  const shapes = Array.from({ length: 100 }, (_, index) => ({ [`k${index}`]: index }));
  const bytes = packr.pack([shapes, shapes, shapes.map((each) => ({ ...each }))]);
  expect(hasKnownTokens(bytes)).toBe(true);
});
