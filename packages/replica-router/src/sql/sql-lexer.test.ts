import { describe, expect, test } from "vitest";
import { hashOf } from "./name-filter.ts";
import {
  CLOSE,
  DOT,
  END,
  LITERAL,
  OPEN,
  OTHER,
  QUOTED,
  SEMICOLON,
  SqlLexer,
  WORD,
} from "./sql-lexer.ts";

const SHOWN = new Map([
  [LITERAL, "literal"],
  [OPEN, "("],
  [CLOSE, ")"],
  [SEMICOLON, ";"],
  [DOT, "."],
  [OTHER, "~"],
]);

/** Its tokens: names as they are, in quotes if they had some. */
function tokens(text: string, backslashInStrings = false): string[] {
  const lexer = new SqlLexer(text, backslashInStrings);
  const seen: string[] = [];
  for (let token = lexer.next(); token !== END; token = lexer.next()) {
    if (token === WORD || token === QUOTED) expect(lexer.hash).toBe(hashOf(lexer.name));
    if (token === WORD) seen.push(lexer.name);
    else if (token === QUOTED) seen.push(`"${lexer.name}"`);
    else seen.push(SHOWN.get(token) ?? "?");
  }
  return lexer.isUnsure ? [...seen, "unsure"] : seen;
}

test.each([
  ["Select A_1$b", ["select", "a_1$b"]],
  ["a.B(c);", ["a", ".", "b", "(", "c", ")", ";"]],
  ['"A""b" c', ['"A"b"', "c"]],
  ["'a''b'c", ["literal", "c"]],
  ["E'a\\''c", ["literal", "c"]],
  ["e'a''b\\\\'c", ["literal", "c"]],
  ["ae'a\\'c", ["ae", "literal", "c"]],
  ["e 'a\\'c", ["e", "literal", "c"]],
  ["'a'\n'b'", ["literal", "literal"]],
  ["$$a$b$$c", ["literal", "c"]],
  ["$t$ $$ $T$ $t$c", ["literal", "c"]],
  ["a$t$b", ["a$t$b"]],
  ["$1+$23", ["literal", "~", "literal"]],
  ["1.5e-3 .a", ["literal", ".", "a"]],
  ["1.e5 .5 1_000 0xFF", ["literal", "literal", "literal", "literal"]],
  ["1+e5", ["literal", "~", "e5"]],
  ["a--b\nc", ["a", "c"]],
  ["a<--b\nc", ["a", "~", "c"]],
  ["a/*/*b*/*/c", ["a", "c"]],
  ["a*/*b*/c", ["a", "~", "c"]],
  ["a-b/c", ["a", "~", "b", "~", "c"]],
  ["Größe ß", ["größe", "ß"]],
  ["a\u00a0b", ["a\u00a0b"]],
  ["X".repeat(64), ["x".repeat(63)]],
])("%j", (text, seen) => {
  expect(tokens(text)).toEqual(seen);
});

describe("unsure", () => {
  test.each([
    ["a 'b", ["a"]],
    ['a "b', ["a"]],
    ["a $$b$", ["a"]],
    ["a /*b", ["a"]],
    ["U&'a' b", ["u", "~", "literal", "b"]],
    ['u&"a" b', ["u", "~", '"a"', "b"]],
    ["E'a' -- c\n 'b' d", ["literal", "literal", "d"]],
    ["1a", ["literal", "a"]],
    ["1_a", ["literal", "a"]],
    ["0x1$a$b$a$", ["literal", "literal"]],
    ["$a b", ["~", "a", "b"]],
    ["a\\b", ["a", "~", "b"]],
    ["a\0b", ["a", "~", "b"]],
    ["Ägypten", ["Ägypten"]],
    [`"${"ä".repeat(32)}"`, [`"${"ä".repeat(32)}"`]],
  ])("%j", (text, seen) => {
    expect(tokens(text)).toEqual([...seen, "unsure"]);
  });

  test("backslashes, where they may be escapes", () => {
    expect(tokens("'\\'", true)).toEqual(["literal", "unsure"]);
    expect(tokens("'a'", true)).toEqual(["literal"]);
  });
});
