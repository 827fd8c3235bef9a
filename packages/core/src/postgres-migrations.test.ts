import { expect, test } from "vitest";
import { migratePostgres, migrationScript } from "./postgres-migrations.ts";

const MIGRATIONS = [
  { version: 1, name: "the first", sql: "CREATE TABLE app.a (b int)" },
  { version: 2, name: "o'clock", sql: "ALTER TABLE app.a ADD c int" },
];

/** A database whose ledger says what it is told to. */
function database(ledger: () => Promise<unknown>) {
  const texts: string[] = [];
  return {
    texts,
    async query(text: string) {
      texts.push(text);
      if (!text.startsWith("SELECT max")) return { rows: [] };
      return { rows: [{ version: await ledger() }] };
    },
  };
}

test("the script locks first, and asks the ledger before each version", () => {
  const script = migrationScript("app", MIGRATIONS);
  expect(script.trim().split("\n")[0]).toMatch(/pg_advisory_xact_lock.*headroom.migrations:app/);
  expect(
    script.match(/IF NOT EXISTS \(SELECT 1 FROM "app".migrations WHERE version = \d\)/g),
  ).toHaveLength(2);
  expect(script).toContain("VALUES (2, 'o''clock')");
});

test("nothing is run when nothing is missing, also when the ledger knows more", async () => {
  for (const version of [2, 7]) {
    const { query, texts } = database(async () => version);
    await migratePostgres({ query }, "app", MIGRATIONS);
    expect(texts).toHaveLength(1);
  }
});

test.each([
  ["an older version", async () => 1],
  ["no row", async () => null],
  ["no ledger", () => Promise.reject({ code: "42P01" })],
  ["no schema", () => Promise.reject({ code: "3F000" })],
])("the script is run when there is %s", async (_, ledger) => {
  const { query, texts } = database(ledger);
  await migratePostgres({ query }, "app", MIGRATIONS);
  expect(texts.slice(1)).toEqual([migrationScript("app", MIGRATIONS)]);
});

test("any other failure is told, and names that are none are refused", async () => {
  const { query, texts } = database(() => Promise.reject({ code: "42501" }));
  await expect(migratePostgres({ query }, "app", MIGRATIONS)).rejects.toEqual({ code: "42501" });
  expect(texts).toHaveLength(1);
  expect(() => migrationScript("App", MIGRATIONS)).toThrow(TypeError);
});
