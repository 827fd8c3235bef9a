import { expect, test } from "vitest";
import { enqueueFunctions } from "./enqueue-functions.ts";

test("all that is made and used is of the schema; what it does is tested on a server", () => {
  const sql = enqueueFunctions('"app"');
  const made = [...sql.matchAll(/CREATE FUNCTION "app"\.(\w+)\(/g)].map(([, name]) => name);
  expect(made).toEqual(["queue_id", "add_jobs", "enqueue", "wake"]);
  const tables = [...sql.matchAll(/(?:INSERT INTO|DELETE FROM|(?<!FOR |KEY |DO )\bUPDATE) (\S+)/g)];
  const foreign = tables.filter(([, table = ""]) => !table.startsWith('"app".'));
  expect(foreign.map(([text]) => text)).toEqual([]);
});
