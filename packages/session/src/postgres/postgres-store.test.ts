import { expect, test } from "vitest";
import { postgresStore } from "./postgres-store.ts";

/** What is sent; what it does on a server: test/integration/session-store.test.ts. */
test("each method is one statement, with its values beside it", async () => {
  const sent: [text: string, values: unknown[] | undefined][] = [];
  const pool = {
    query: async (text: string, values?: unknown[]) => {
      sent.push([text, values]);
      return { rows: [], rowCount: 0 };
    },
  };
  const store = postgresStore(pool, { table: "app.visits" });
  const touch = { seenAtMs: 1, ttlMs: 2 };
  expect(await store.load("'k")).toBeUndefined();
  expect(await store.create("'k", { fields: new Map(), meta: { createdAtMs: 0 }, ...touch })).toBe(
    false,
  );
  expect(await store.commit("'k", { set: new Map(), del: [] }, touch)).toBe("gone");
  expect(await store.touch("'k", touch)).toBe(false);
  expect(await store.rotate("'k", "'l", { createdAtMs: 0 }, touch)).toBe(false);
  expect(await store.destroy("'k")).toBe(false);
  expect(await store.ofUser("'k")).toEqual([]);
  expect(sent).toHaveLength(7);
  for (const [text, values] of sent) {
    expect(text).toContain("app.visits");
    expect(text).not.toContain("'k");
    expect(values?.[0]).toBe("'k");
  }
});

test("a wrong option is named", () => {
  const pool = { query: async () => ({ rows: [], rowCount: 0 }) };
  expect(() => postgresStore(pool, { tabel: "a" } as never)).toThrow(/did you mean "table"/);
});
