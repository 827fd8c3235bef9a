import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, MEGABYTE, textOf, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import { lookup3, lookup3High, lookup3Low, lookup3Word, NO_SEED, type Seed } from "./lookup3.ts";

function halves(key: Key, seed: Seed = NO_SEED): [low: number, high: number] {
  lookup3(key, key.length, seed);
  return [lookup3Low(), lookup3High()];
}

const seeds = fc.record({ low: fc.integer(), high: fc.integer() });

// Made with PostgreSQL 15: hashtextextended(left('0123456789abcdefghijklmnopqrstuvwxyz', n), 0).
test("a text has the hash of its UTF-8 bytes, lone surrogates counting as U+FFFD", () => {
  fc.assert(
    fc.property(anyText, seeds, (text, seed) => {
      expect(halves(text, seed)).toEqual(halves(utf8(text), seed));
    }),
    { numRuns: 500 },
  );
});

test("a word has the hash of its four bytes", () => {
  fc.assert(
    fc.property(fc.integer(), seeds, (word, seed) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, word, true);
      lookup3Word(word, seed);
      expect([lookup3Low(), lookup3High()]).toEqual(halves(bytes, seed));
    }),
  );
});

test("a key of 1 MB is hashed whole", () => {
  const text = textOf(MEGABYTE, "mixed");
  expect(halves(text)).toEqual(halves(utf8(text)));
  expect(halves(`${text}a`)).not.toEqual(halves(`${text}b`));
});
