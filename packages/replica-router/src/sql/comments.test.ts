import { expect, test } from "vitest";
import { afterBlanks, afterBlockComment, afterLineComment } from "./comments.ts";

test("blanks are PostgreSQL's, not Unicode's", () => {
  expect(afterBlanks(" \t\n\v\f\rx", 0)).toBe(6);
  expect(afterBlanks("\u00a0x", 0)).toBe(0);
  expect(afterBlanks("  ", 0)).toBe(2);
});

test("a line ends at a line feed or a carriage return", () => {
  expect(afterLineComment("--a\nb", 0)).toBe(3);
  expect(afterLineComment("--a\rb", 0)).toBe(3);
  expect(afterLineComment("--a", 0)).toBe(3);
});

test.each([
  ["/**/x", 4],
  ["/* a */x", 7],
  ["/* /* */ */x", 11],
  ["/*/**/*/x", 8],
  ["/*/x", -1],
  ["/* /* */", -1],
  ["/*", -1],
])("%s ends at %i", (text, end) => {
  expect(afterBlockComment(text, 0)).toBe(end);
});
