import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, MEGABYTE, textOf, utf8 } from "../test/texts.ts";
import { toInt64 } from "./int64.ts";
import type { Key } from "./key.ts";
import { lookup3, lookup3High, lookup3Low, lookup3Word, NO_SEED, type Seed } from "./lookup3.ts";

function halves(key: Key, seed: Seed = NO_SEED): [low: number, high: number] {
  lookup3(key, seed);
  return [lookup3Low(), lookup3High()];
}

const seeds = fc.record({ low: fc.integer(), high: fc.integer() });

// PostgreSQL 15: hashtextextended(left('0123456789abcdefghijklmnopqrstuvwxyz', n), seed) for n from 0
// to 36, with the seeds 0 and 0x123456789abcdef0.
const VECTORS: readonly (readonly [unseeded: bigint, seeded: bigint])[] = [
  [-6939563903564495251n, -5474902842522593013n],
  [2234665679637250028n, -2169810716547589088n],
  [1997417108698746027n, -3723658404596552303n],
  [4719714554116711620n, -5637418652523388778n],
  [2979314055664268724n, 2425327973433483034n],
  [2800302940355005254n, 7787627909772623429n],
  [6175594971869799145n, 7155277940535420669n],
  [8550484514636532095n, 5633596556956190205n],
  [2898426038703043638n, 9129994025229127341n],
  [9090347084501949878n, -7535928933482716980n],
  [-3778403198889400811n, -1260371462694097357n],
  [-2337649911100070775n, -5857407998288720488n],
  [-300982144080685429n, 8285748949419346328n],
  [4688655838450958077n, 6300980792516229629n],
  [7384893512659999715n, -2949237320411678637n],
  [2436259429314518014n, 3714759737857291421n],
  [-8138476988306395299n, -8667294357839712645n],
  [3867183265525357193n, -784683857168947143n],
  [-576478513425833958n, 943671596347532075n],
  [8204835176327800822n, -9091269435730570440n],
  [-8382056185395640245n, -2478283603513367178n],
  [2163959902772420482n, -4693713914376572418n],
  [-1354784642855662079n, -8360210629041583988n],
  [4739925564919238393n, 4771981655598272933n],
  [6260941006295183541n, -5757660932712109073n],
  [-2015381710355490121n, 3588258018522838391n],
  [1510207650881699157n, 7940395800063968100n],
  [7396804548901188501n, 6076599558958963063n],
  [-915902760586697640n, 1987772704076965434n],
  [-246635775155469071n, -4005291971930037857n],
  [-7869520564089288350n, 5338799876859798224n],
  [-7391076876207917315n, -2096212408533798063n],
  [-714372453522603133n, 2997627877709830137n],
  [-3787419154109005392n, -7518908204568971341n],
  [6080530551913814083n, -4872939722879322940n],
  [2588744375697241866n, -103958873838354800n],
  [2599983508539421163n, 9081229693684202060n],
];

test("texts of 0 to 36 characters have the hashes that PostgreSQL gives them", () => {
  const text = "0123456789abcdefghijklmnopqrstuvwxyz";
  const hashed = (length: number, seed?: Seed): bigint =>
    toInt64(...halves(text.slice(0, length), seed));
  const seed = { low: 0x9abcdef0 | 0, high: 0x12345678 };
  expect(VECTORS.map((_, length) => [hashed(length), hashed(length, seed)])).toEqual(VECTORS);
});

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
