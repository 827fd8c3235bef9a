import { expect, test } from "vitest";
import { PLANNED_BY_INDEX, queueTables } from "./queue-tables.ts";

test("every table and index is of the schema, and every index of jobs but one is partial", () => {
  const sql = queueTables('"app"');
  const made = [...sql.matchAll(/CREATE (?:UNIQUE )?(?:TABLE|SEQUENCE) (\S+)/g)];
  expect(made.length).toBeGreaterThan(10);
  for (const [, name] of made) expect(name).toMatch(/^"app"\./);
  const indexes = sql.match(/CREATE (UNIQUE )?INDEX \w+ ON "app"\.jobs [^;]*/g) ?? [];
  expect(indexes).toHaveLength(6);
  for (const index of indexes) expect(index).toContain("WHERE");
});

test("functions find what is theirs whatever the search path is", () => {
  expect(PLANNED_BY_INDEX).toContain("SET search_path = pg_catalog, pg_temp");
});
