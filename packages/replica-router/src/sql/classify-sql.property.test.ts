/** No text that PostgreSQL takes as something else is a read, however it is written. */

import fc from "fast-check";
import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { anyStatement, mutatedStatement, NOT_READS } from "../../test/mutations.ts";
import { parsedVerdict, tokensOf } from "../../test/parsed.ts";
import { READS } from "../../test/statements.ts";
import { classifySql } from "./classify-sql.ts";
import { staticSqlCatalog } from "./sql-catalog.ts";

beforeAll(() => loadModule());

const notRead = fc.constantFrom(...NOT_READS);
const kindOf = (text: string) => classifySql(text, staticSqlCatalog).kind;

const expectNoFalseRead = (text: string): void => {
  if (kindOf(text) !== "read") return;
  expect(parsedVerdict(text, staticSqlCatalog), text).not.toBe("other");
};

describe("the parser agrees on what the tests are made of", () => {
  test.each(READS)("a read: %s", (text) => {
    expect(parsedVerdict(text, staticSqlCatalog)).toBe("read");
  });

  test.each(NOT_READS.filter((text) => !text.includes("pg_temp.secret")))(
    "not a read: %s",
    (text) => {
      // A set-up that only the text shows: the parser knows no schema of temporary things.
      const isSession = kindOf(text) === "session";
      expect(parsedVerdict(text, staticSqlCatalog)).toBe("other");
      expect(isSession || kindOf(text) === "write").toBe(true);
    },
  );
});

/** What may stand between two tokens, with traps. */
const between = fc.constantFrom(
  " ",
  "\t\r\n",
  "\f",
  "/**/",
  "/* ' \" $$ -- ; */",
  "/* /* nested */ SELECT */",
  "--\n",
  "-- ' /* \"\n",
  "--\r",
  "-- route:replica\n",
);

describe("the same statement, written otherwise", () => {
  test("comments and blanks between tokens", () => {
    fc.assert(
      fc.property(anyStatement, fc.infiniteStream(between), (text, blanks) => {
        const written = tokensOf(text)
          .map((token) => token + blanks.next().value)
          .join("");
        expect(kindOf(written), written).toBe(kindOf(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("other case, outside quotes", () => {
    fc.assert(
      fc.property(anyStatement, fc.infiniteStream(fc.boolean()), (text, isUpper) => {
        const written = tokensOf(text)
          .map((token) => {
            if (/["'$]|[^ -~]/.test(token)) return token;
            return [...token]
              .map((letter) => (isUpper.next().value ? letter.toUpperCase() : letter.toLowerCase()))
              .join("");
          })
          .join(" ");
        expect(kindOf(written), written).toBe(kindOf(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("after any other statement", () => {
    fc.assert(
      fc.property(anyStatement, anyStatement, (first, second) => {
        expect(kindOf(`${first}\n;${second}`)).not.toBe("read");
      }),
    );
  });
});

describe("quoted, it is only text", () => {
  const quotings: ((text: string) => string)[] = [
    (text) => `SELECT '${text.replaceAll("'", "''")}'`,
    (text) => `SELECT E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
    (text) => `SELECT $quoted$${text}$quoted$`,
    (text) => `SELECT 1 /* ${text.replaceAll(/\*\/|\/\*/g, "")} */`,
    (text) => `SELECT 1 -- ${text.replaceAll(/[\r\n]/g, " ")}`,
  ];

  test("and what follows it counts", () => {
    fc.assert(
      fc.property(notRead, fc.constantFrom(...quotings), (text, quoted) => {
        expect(kindOf(quoted(text)), quoted(text)).toBe("read");
        expect(kindOf(`${quoted(text)}\n; ${text}`)).not.toBe("read");
        expect(kindOf(`${quoted(text)}\n INTO t`)).not.toBe("read");
      }),
      { numRuns: 1000 },
    );
  });

  test("also where it says where to run", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("primary", "replica"),
        fc.constantFrom(...quotings),
        (route, quoted) => {
          for (const comment of [`/* route:${route} */`, `-- route:${route}\n`]) {
            const { hint } = classifySql(quoted(comment), staticSqlCatalog);
            expect(hint, quoted(comment)).toBeUndefined();
          }
        },
      ),
    );
  });
});

describe("broken and repaired at random", () => {
  test("no text is a read that PostgreSQL would take as another", () => {
    fc.assert(fc.property(mutatedStatement, expectNoFalseRead), { numRuns: 20_000 });
  });

  test("wherever it is cut off", () => {
    for (const text of [...NOT_READS, ...READS]) {
      for (let length = 0; length < text.length; length++) expectNoFalseRead(text.slice(0, length));
    }
  });

  test("with any two keywords and names in a row", () => {
    const piece = fc.constantFrom(
      ..."select with values table explain as into for update no key share delete from insert t x , . ( ) ; * 1 1. 'a' \"q\" nextval nextval( in ::".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 2, maxLength: 9 }),
        fc.boolean(),
        (pieces, isTight) => {
          expectNoFalseRead(`select 1 ${pieces.join(isTight ? "" : " ")}`);
        },
      ),
      { numRuns: 20_000 },
    );
  });
});
