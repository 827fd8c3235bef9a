import { expect, test } from "vitest";
import { powerFunctions } from "./power-functions.ts";

test("all that is made and used is of the schema; what it does is tested on a server", () => {
  const sql = powerFunctions('"app"');
  const made = [...sql.matchAll(/CREATE FUNCTION "app"\.(\w+)\(/g)].map(([, name]) => name);
  expect(made).toEqual([
    "cancel",
    "redrive",
    "purge",
    "begin_schedule",
    "take_tick",
    "look_at_parent",
    "hold",
    "report",
    "take_relay",
  ]);
  const tables = [...sql.matchAll(/(?:INSERT INTO|DELETE FROM|(?<!FOR |KEY |DO )\bUPDATE) (\S+)/g)];
  const foreign = tables.filter(([, table = ""]) => !table.startsWith('"app".'));
  expect(foreign.map(([text]) => text)).toEqual([]);
});
