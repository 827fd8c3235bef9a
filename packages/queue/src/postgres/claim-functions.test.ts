import { expect, test } from "vitest";
import { claimFunctions } from "./claim-functions.ts";

test("all that is made and used is of the schema; what it does is tested on a server", () => {
  const sql = claimFunctions('"app"');
  const made = [...sql.matchAll(/CREATE FUNCTION "app"\.(\w+)\(/g)].map(([, name]) => name);
  expect(made).toEqual(["leave_notes", "recover", "promote", "place_lanes", "open_lanes", "claim"]);
  const tables = [...sql.matchAll(/(?:INSERT INTO|DELETE FROM|(?<!FOR |KEY |DO )\bUPDATE) (\S+)/g)];
  const foreign = tables.filter(([, table = ""]) => !table.startsWith('"app".'));
  expect(foreign.map(([text]) => text)).toEqual([]);
});
