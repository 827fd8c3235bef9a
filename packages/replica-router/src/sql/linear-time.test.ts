/** No input is slow: four times the text takes about four times as long; were it quadratic, sixteen. */

import { expect, test } from "vitest";
import { classifySql } from "./classify-sql.ts";
import { staticSqlCatalog } from "./sql-catalog.ts";

const SEEDS = [
  "/*",
  "/* */",
  "*/",
  "--",
  "--\n",
  "'",
  "''",
  "' '",
  "E'",
  "E''",
  "E'' --\n",
  '"',
  '"" ',
  '"a"',
  "$$",
  "$",
  "$a",
  "$a1$",
  "$a1$ $a2$ ",
  "$aaaaaaaa",
  "(",
  ")",
  ";",
  ".",
  "explain ",
  "explain (",
  "select ",
  "a",
  "A",
  "ä",
  "nextval ",
  "nextval(",
  "for ",
  "1",
  "1e",
  "0x",
  "\\",
  " ",
  "begin read ",
  "/* route:replica */",
];

function elapsedMs(text: string): number {
  const startMs = performance.now();
  classifySql(text, staticSqlCatalog);
  return performance.now() - startMs;
}

/** Less than this is noise. */
const SHORTEST_MS = 0.2;
const ROUNDS = 50;
/** Three for each doubling: what a busy machine adds is in it, a square is not. */
const MOST = 9;

/**
 * The ratios of one length to the one before, of the fastest run of each: what the machine did besides
 * is in the others. More rounds only for as long as they do not show that it is linear.
 */
function ratiosOf(texts: readonly string[]): number[] {
  const fastest = texts.map(() => Number.POSITIVE_INFINITY);
  let ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    texts.forEach((text, index) => {
      const soFar = fastest[index] ?? 0;
      fastest[index] = Math.max(SHORTEST_MS, Math.min(soFar, elapsedMs(text)));
    });
    ratios = fastest.slice(1).map((time, index) => time / (fastest[index] ?? 0));
    if (ratios.every((ratio) => ratio <= MOST)) break;
  }
  return ratios;
}

test.each(
  SEEDS.flatMap((seed) => [
    [seed, ""],
    [seed, "select "],
    [seed, "select 'a"],
  ]),
)("%j after %j", (seed, start) => {
  const lengths = [25_000, 100_000, 400_000];
  const ratios = ratiosOf(lengths.map((length) => start + seed.repeat(length / seed.length)));
  expect(Math.max(...ratios)).toBeLessThanOrEqual(MOST);
});
