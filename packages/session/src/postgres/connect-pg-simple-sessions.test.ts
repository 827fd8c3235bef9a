import { expect, test } from "vitest";
import { connectPgSimpleSessions } from "./connect-pg-simple-sessions.ts";

// With sessions that connect-pg-simple has made: test/integration/session-adoption.test.ts

test("each method is one statement, with the id beside it", async () => {
  const sent: unknown[][] = [];
  const pool = {
    query: async (text: string, values?: unknown[]) => {
      sent.push([text.split(" ")[0], values]);
      return { rows: [{ sess: { a: 1 } }], rowCount: 1 };
    },
  };
  const sessions = connectPgSimpleSessions(pool, { table: "app.session" });
  expect(await sessions.load("id")).toEqual({ a: 1 });
  expect(await sessions.destroy("id")).toBe(true);
  expect(sent).toEqual([
    ["SELECT", ["id"]],
    ["DELETE", ["id"]],
  ]);
});

test("what is wrong is named", () => {
  const pool = { query: () => Promise.reject(new Error("not asked")) };
  expect(() => connectPgSimpleSessions(pool, { table: "a b" })).toThrow(/table must be a name/);
  expect(() => connectPgSimpleSessions({} as never)).toThrow(/pool must be an object with query/);
});
