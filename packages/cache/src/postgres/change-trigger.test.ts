import { expect, test } from "vitest";
import { installTriggers, parseChange } from "./change-trigger.ts";
import type { PostgresQueryable } from "./postgres-client.ts";

test("a notification is read as its row's key, or as all rows", () => {
  expect(parseChange('["users",["42",null]]')).toEqual({ table: "users", key: ["42", null] });
  expect(parseChange('["users",null]')).toEqual({ table: "users", key: null });
});

test.each(["", "{}", "[]", "[5,[]]", '["users","42"]', "not json", "null"])(
  "%j is not one of ours",
  (payload) => {
    expect(parseChange(payload)).toBeUndefined();
  },
);

test("names become SQL as the server quotes them, and texts with their quotes doubled", async () => {
  const statements: string[] = [];
  const database: PostgresQueryable = {
    query: async (text) => {
      statements.push(text);
      return { rows: [{ name: 'public."we""ird"', missing: [] }] };
    },
  };
  await installTriggers(database, "it's", [{ table: 'we"ird', key: ["i'd"] }]);
  const trigger = statements.find((text) => text.includes("headroom_cache_rows"));
  expect(trigger).toContain('ON public."we""ird"');
  expect(trigger).toContain(`headroom_cache_notify('it''s', 'we"ird', 'i''d')`);
});

test("a table or a column that is not there is an error before anything is created on it", async () => {
  const without = (rows: readonly Record<string, unknown>[]): PostgresQueryable => ({
    query: async (text) => ({ rows: text.includes("to_regclass") ? rows : [] }),
  });
  const tables = [{ table: "users", key: ["id"] }];
  await expect(installTriggers(without([]), "c", tables)).rejects.toThrow(/no table "users"/);
  const rows = [{ name: "public.users", missing: ["id"] }];
  await expect(installTriggers(without(rows), "c", tables)).rejects.toThrow(
    /public.users has no column "id"/,
  );
});
