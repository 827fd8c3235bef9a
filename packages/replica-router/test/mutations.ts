/** Statements broken and repaired at random. */

import fc from "fast-check";
import { READS, SESSION, SEVERAL, SILENT, UNSURE, VOLATILE, WRITES } from "./statements.ts";

export const NOT_READS: readonly string[] = [
  ...WRITES,
  ...VOLATILE.map(([text]) => text),
  ...UNSURE,
  ...SESSION,
  ...SEVERAL,
  ...SILENT,
];

export const anyStatement: fc.Arbitrary<string> = fc.constantFrom(...NOT_READS, ...READS);

/** What changes what a text means, where it is put. */
const breakers = fc.constantFrom(
  ..."'\"$;().,\\-/*+ \n\r\t0aEé",
  "''",
  '""',
  "$$",
  "$a$",
  "$1",
  "/*",
  "*/",
  "--",
  "E'",
  "e'\\",
  "U&'",
  'U&"',
  "N'",
  "B'",
  " AS ",
  " as .",
  ".as ",
  " FOR ",
  " UPDATE ",
  " SHARE ",
  " INTO t ",
  " SELECT ",
  "EXPLAIN ",
  "EXPLAIN (",
  "(ANALYZE) ",
  " nextval",
  " nextval(",
  '"nextval"',
  "WITH x AS (",
  "DELETE FROM t",
  "1e",
  "0x",
  "::",
  "/* route:replica */",
);

/** A place of a text as a share of its length, so that it shrinks with the text. */
const place = fc.double({ min: 0, max: 1, noNaN: true });

const mutation = fc.oneof(
  fc.record({ insert: breakers, at: place }),
  fc.record({ cut: fc.nat(6), at: place }),
  fc.record({ keep: place }),
  fc.record({ splice: anyStatement, at: place, from: place }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutated(text: string, how: Mutation): string {
  if ("keep" in how) return text.slice(0, Math.round(how.keep * text.length));
  const at = Math.round(how.at * text.length);
  if ("insert" in how) return text.slice(0, at) + how.insert + text.slice(at);
  if ("cut" in how) return text.slice(0, at) + text.slice(at + how.cut);
  return text.slice(0, at) + how.splice.slice(Math.round(how.from * how.splice.length));
}

export const mutatedStatement: fc.Arbitrary<string> = fc
  .tuple(anyStatement, fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([text, hows]) => hows.reduce(mutated, text));
