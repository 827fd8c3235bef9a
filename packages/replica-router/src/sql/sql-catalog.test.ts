import { expect, test } from "vitest";
import { classifySql } from "./classify-sql.ts";
import { loadSqlCatalog, staticSqlCatalog } from "./sql-catalog.ts";

/** Answers as a database with these functions and relations. */
const database =
  (functions: readonly object[], relations: readonly object[]) => async (text: string) =>
    (text.includes("pg_proc") ? functions : relations) as Record<string, unknown>[];

test("functions and relations by name", async () => {
  const catalog = await loadSqlCatalog(
    database([{ name: "charge", is_column: false }], [{ name: "scratch", definition: null }]),
  );
  expect(classifySql("SELECT charge()", catalog).kind).toBe("write");
  expect(classifySql("SELECT charge", catalog).kind).toBe("read");
  expect(classifySql("TABLE scratch", catalog).kind).toBe("write");
});

test("a function of a row may be called like a column", async () => {
  const catalog = await loadSqlCatalog(database([{ name: "charge", is_column: true }], []));
  expect(classifySql("SELECT o.charge FROM orders o", catalog).kind).toBe("write");
});

test("views are what their text is, and so are views over them, in whatever order", async () => {
  const views = [
    { name: "third", definition: " SELECT * FROM second;" },
    { name: "second", definition: " SELECT * FROM first;" },
    { name: "first", definition: " SELECT nextval('s'::regclass) AS n;" },
    { name: "plain", definition: " SELECT 1;" },
  ];
  const catalog = await loadSqlCatalog(database([{ name: "nextval", is_column: false }], views));
  const kinds = views.map(({ name }) => classifySql(`TABLE ${name}`, catalog).kind);
  expect(kinds).toEqual(["write", "write", "write", "read"]);
});

test("what no catalog tells is known as well", async () => {
  const catalog = await loadSqlCatalog(database([], []));
  for (const text of ["SELECT txid_current()", "SELECT pg_backend_pid()", "TABLE pg_locks"]) {
    expect(classifySql(text, catalog).kind).toBe("write");
    expect(classifySql(text, staticSqlCatalog).kind).toBe("write");
  }
});

test("a catalog that cannot be read is an error", async () => {
  const refused = () => Promise.reject(new Error("permission denied"));
  await expect(loadSqlCatalog(refused)).rejects.toThrow("permission denied");
});
