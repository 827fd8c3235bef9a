import { describe, expect, test } from "vitest";
import { staticSqlCatalog } from "./sql-catalog.ts";
import { createSqlClassifier } from "./sql-classifier.ts";
import type { SqlCatalog } from "./statement.ts";

const catalogWith = (name: string): SqlCatalog => ({
  volatileFunctions: new Set([name]),
  primaryRelations: new Set(),
});

test("it knows what every PostgreSQL has before it is told what this one has", () => {
  const classifier = createSqlClassifier();
  expect(classifier.classify("SELECT nextval('s')").kind).toBe("write");
  expect(classifier.classify("SELECT 1").kind).toBe("read");
});

test("a text is looked at once", () => {
  const classifier = createSqlClassifier();
  const first = classifier.classify("SELECT nextval('s')");
  expect(classifier.classify("SELECT nextval('s')")).toBe(first);
});

test("the least recently used text goes first, and a long one is not kept", () => {
  const classifier = createSqlClassifier({ maxEntries: 2, maxTextLength: 30 });
  const kept = (text: string) => {
    const first = classifier.classify(text);
    return classifier.classify(text) === first;
  };
  expect(kept("SELECT nextval('a')")).toBe(true);
  expect(kept(`SELECT nextval('${"a".repeat(30)}')`)).toBe(false);
  const first = classifier.classify("SELECT nextval('a')");
  classifier.classify("SELECT nextval('b')");
  classifier.classify("SELECT nextval('c')");
  expect(classifier.classify("SELECT nextval('a')")).not.toBe(first);
});

test("a statement past all measure is for the primary", () => {
  const classifier = createSqlClassifier();
  const read = (length: number) => classifier.classify(`SELECT '${"a".repeat(length - 9)}'`);
  expect(read(262_144)).toEqual({ kind: "read" });
  expect(read(262_145)).toEqual({ kind: "write", reason: "unsure" });
});

describe("a new catalog", () => {
  test("applies to what was classified before", () => {
    const classifier = createSqlClassifier();
    expect(classifier.classify("SELECT charge()").kind).toBe("read");
    classifier.useCatalog(catalogWith("charge"));
    expect(classifier.classify("SELECT charge()").kind).toBe("write");
    classifier.useCatalog(staticSqlCatalog);
    expect(classifier.classify("SELECT charge()").kind).toBe("read");
  });
});

describe("what a server refused", () => {
  test("is a write from then on, with its hint, also after a refresh", () => {
    const classifier = createSqlClassifier();
    const text = "/* route:replica */ SELECT charge()";
    expect(classifier.classify(text)).toEqual({ kind: "read", hint: "replica" });
    classifier.learnWrite(text);
    const refused = { kind: "write", reason: "write", hint: "replica" };
    expect(classifier.classify(text)).toEqual(refused);
    classifier.useCatalog(catalogWith("other"));
    expect(classifier.classify(text)).toEqual(refused);
    expect(classifier.classify("SELECT charge(1)").kind).toBe("read");
  });

  test("is what it is if it was no read anyway", () => {
    const classifier = createSqlClassifier();
    classifier.learnWrite("SELECT pg_advisory_lock(1)");
    expect(classifier.classify("SELECT pg_advisory_lock(1)")).toEqual({ kind: "session" });
  });

  test("is bounded", () => {
    const classifier = createSqlClassifier({ maxEntries: 2, maxTextLength: 30 });
    for (const text of ["SELECT a()", "SELECT b()", "SELECT c()"]) classifier.learnWrite(text);
    expect(classifier.classify("SELECT a()").kind).toBe("read");
    expect(classifier.classify("SELECT c()").kind).toBe("write");
    const long = `SELECT '${"a".repeat(30)}'`;
    classifier.learnWrite(long);
    expect(classifier.classify(long).kind).toBe("read");
  });
});

test("backslashes in strings can be switched on and off", () => {
  const classifier = createSqlClassifier();
  const text = "SELECT '\\'";
  expect(classifier.classify(text).kind).toBe("read");
  classifier.useBackslashInStrings(true);
  expect(classifier.classify(text)).toEqual({ kind: "write", reason: "unsure" });
  classifier.useBackslashInStrings(false);
  expect(classifier.classify(text).kind).toBe("read");
});

test("options are checked", () => {
  expect(() => createSqlClassifier({ maxEntries: 0 })).toThrow(RangeError);
  expect(() => createSqlClassifier({ maxTextLength: 1.5 })).toThrow(/maxTextLength/);
  expect(() => createSqlClassifier({ max: 1 } as object)).toThrow(/unknown option "max"/);
});
