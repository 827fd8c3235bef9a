import { expect, test } from "vitest";
import { transactionOf } from "./transactions.ts";

const ROWS = [{ id: "a" }];

test("a client of pg is used as it is", async () => {
  const asked: unknown[] = [];
  const query = async (...given: unknown[]) => {
    asked.push(given);
    return { rows: ROWS };
  };
  expect(await transactionOf({ query }).query("SELECT $1", [1])).toEqual({ rows: ROWS });
  expect(asked).toEqual([["SELECT $1", [1]]]);
});

test("a query runner that gives rows alone", async () => {
  expect(await transactionOf({ query: async () => ROWS }).query("SELECT 1")).toEqual({
    rows: ROWS,
  });
});

test("Drizzle's session prepares it", async () => {
  const prepared: unknown[] = [];
  const session = {
    prepareQuery: (...given: unknown[]) => {
      prepared.push(given);
      return { execute: async () => ({ rows: ROWS }) };
    },
  };
  const tx = { execute: () => {}, rollback: () => {}, query: {}, session };
  expect(await transactionOf(tx).query("SELECT $1", [1])).toEqual({ rows: ROWS });
  expect(prepared).toEqual([[{ sql: "SELECT $1", params: [1] }, undefined, undefined, false]]);
});

test("Kysely gets a compiled query", async () => {
  const queries: unknown[] = [];
  const executeQuery = async (query: unknown) => {
    queries.push(query);
    return { rows: ROWS };
  };
  const tx = { executeQuery, isTransaction: true };
  expect(await transactionOf(tx).query("SELECT $1", [1])).toEqual({ rows: ROWS });
  expect(queries).toMatchObject([
    { sql: "SELECT $1", parameters: [1], query: { kind: "RawNode" } },
  ]);
});

test("Knex gets question marks, one for each value", async () => {
  const raws: unknown[] = [];
  const raw = async (...given: unknown[]) => {
    raws.push(given);
    return { rows: ROWS };
  };
  const tx = Object.assign(() => {}, { raw, isTransaction: true });
  expect(await transactionOf(tx).query("SELECT $2, $1, $2", ["a", "b"])).toEqual({ rows: ROWS });
  expect(raws).toEqual([["SELECT ?, ?, ?", ["b", "a", "b"]]]);
});

test.each([
  ["a pool", { query: () => {}, totalCount: 0 }],
  ["Drizzle outside of a transaction", { execute: () => {}, session: { prepareQuery: () => {} } }],
  ["Kysely outside of a transaction", { executeQuery: () => {}, isTransaction: false }],
  ["Knex outside of a transaction", Object.assign(() => {}, { raw: () => {} })],
  ["null", null],
  ["a text", "BEGIN"],
])("%s is refused", (_, tx) => {
  expect(() => transactionOf(tx)).toThrow(TypeError);
});
