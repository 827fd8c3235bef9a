import { describe, expect, test } from "vitest";
import {
  READS,
  SESSION,
  SEVERAL,
  SILENT,
  UNSURE,
  VOLATILE,
  WRITES,
} from "../../test/statements.ts";
import { classifySql } from "./classify-sql.ts";
import { staticSqlCatalog } from "./sql-catalog.ts";
import type { SqlCatalog, Statement } from "./statement.ts";

const of = (text: string, catalog: SqlCatalog = staticSqlCatalog): Statement =>
  classifySql(text, catalog);
const unsure: Statement = { kind: "write", reason: "unsure" };

test.each(READS)("a read: %s", (text) => {
  expect(of(text)).toEqual({ kind: "read" });
});

test.each(WRITES)("a write: %s", (text) => {
  expect(of(text)).toEqual({ kind: "write", reason: "write" });
});

test.each(VOLATILE)("no read: %s, because of %s", (text, name) => {
  expect(of(text)).toEqual({ kind: "write", reason: "volatile", name });
});

test.each(SESSION)("leaves something on its connection: %s", (text) => {
  expect(of(text)).toEqual({ kind: "session" });
});

test.each([...SEVERAL, ...SILENT, ...UNSURE])("not for a replica: %s", (text) => {
  expect(of(text).kind).toMatch(/write|session/);
});

test.each([
  ["BEGIN", undefined],
  ["begin work;", undefined],
  ["START TRANSACTION", undefined],
  ["BEGIN READ ONLY", true],
  ["BEGIN TRANSACTION READ WRITE", false],
  ["START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", true],
  ["begin isolation level read committed read /* x */ only", true],
  ["BEGIN ISOLATION LEVEL READ COMMITTED", undefined],
  ["BEGIN READ ONLY, NOT DEFERRABLE", true],
  ["BEGIN READ ONLY READ WRITE", false],
  // No standby can: it would fail there.
  ["BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE", false],
  ["BEGIN READ ONLY, ISOLATION LEVEL SERIALIZABLE", false],
])("opens a transaction: %s, read only: %s", (text, readOnly) => {
  expect(of(text)).toEqual({ kind: "begin", readOnly });
});

test.each([
  "",
  "  \n",
  ";",
  "-- SELECT 1",
  "/* SELECT 1 */",
  "SELECT 'a",
  'SELECT "a',
  "SELECT E'a\\'",
  "SELECT 1 /* x",
  "SELECT 1 /* /* x */",
  "SELECT $a$ x $b$",
  "SELECT $$ x $",
  "SELECT U&\"n\\0065xtval\"('s')",
  "SELECT u&'\\0041'",
  "SELECT E'a'\n'\\'",
  "SELECT 1for",
  "SELECT 0x1$a$, $a$",
  "SELECT $1x",
  "SELECT \\ 1",
  "SELECT { 1 }",
  "SELECT Ä",
  `SELECT "${"ä".repeat(32)}"`,
  "1",
  "'SELECT 1'",
])("not understood well enough to call it a read: %j", (text) => {
  expect(of(text)).toEqual(unsure);
});

describe("what the database has", () => {
  const catalog: SqlCatalog = {
    volatileFunctions: new Set(["charge", "Odd Name", "größe", "x".repeat(63)]),
    primaryRelations: new Set(["scratch", "Scratch Pad"]),
  };

  test.each([
    ["SELECT charge(1)", "charge"],
    ["SELECT billing.CHARGE (1)", "charge"],
    ['SELECT "Odd Name"()', "Odd Name"],
    ["SELECT größe()", "größe"],
    ["SELECT GRößE()", "größe"],
    // PostgreSQL cuts names.
    [`SELECT ${"X".repeat(70)}()`, "x".repeat(63)],
    ["SELECT * FROM scratch", "scratch"],
    ["SELECT * FROM public.SCRATCH s", "scratch"],
    ["TABLE scratch", "scratch"],
    ['SELECT 1 FROM a, "Scratch Pad"', "Scratch Pad"],
  ])("%s", (text, name) => {
    expect(of(text, catalog)).toEqual({ kind: "write", reason: "volatile", name });
  });

  test.each(["SELECT charge FROM t", 'SELECT "Charge"(1)', "SELECT discharge(1), a.scratch_pad"])(
    "and other names are others: %s",
    (text) => {
      expect(of(text, catalog)).toEqual({ kind: "read" });
    },
  );
});

describe("standard_conforming_strings off", () => {
  const off = (text: string) => classifySql(text, staticSqlCatalog, { backslashInStrings: true });

  test("a string with a backslash may end elsewhere", () => {
    expect(off("SELECT '\\', 1")).toEqual(unsure);
    // Without escapes `INTO t` is in a string, with them it is not.
    expect(off("SELECT 'a\\', ' INTO t, '")).toEqual(unsure);
  });

  test("one without does not", () => {
    expect(off("SELECT 'it''s'")).toEqual({ kind: "read" });
  });
});

describe("hints", () => {
  test.each([
    ["/* route:primary */ SELECT 1", "read", "primary"],
    ["/*route: replica*/SELECT nextval('s')", "write", "replica"],
    ["-- route:primary\nBEGIN", "begin", "primary"],
    ["SELECT /* route:primary */ 1", "read", undefined],
    ["SELECT '/* route:primary */'", "read", undefined],
    ["/* route:nowhere */ SELECT 1", "read", undefined],
  ])("%s", (text, kind, hint) => {
    const statement = of(text);
    expect(statement.kind).toBe(kind);
    expect(statement.hint).toBe(hint);
  });
});
