import { loadModule, scanSync } from "libpg-query";
import { beforeAll, expect, test } from "vitest";
import { BODY_WORDS, HEADS, OF_TRANSACTION } from "./sql-words.ts";

beforeAll(() => loadModule());

test.each([...HEADS.keys(), ...BODY_WORDS.keys(), ...OF_TRANSACTION])(
  "%s is a keyword of PostgreSQL, in the case it is looked up in",
  (word) => {
    expect(word).toBe(word.toLowerCase());
    expect(scanSync(word).tokens[0]?.keywordName).toMatch(/KEYWORD/);
    expect(scanSync(word).tokens[0]?.keywordName).not.toBe("NO_KEYWORD");
  },
);
