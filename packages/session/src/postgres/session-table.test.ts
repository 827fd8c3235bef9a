import { expect, test } from "vitest";
import { createTable, requireTableName, tableStatements } from "./session-table.ts";

test("a name may have a schema, and nothing that needs quoting", () => {
  expect(requireTableName("sessions")).toBe("sessions");
  expect(requireTableName("app.sessions")).toBe("app.sessions");
  for (const wrong of ["", "a.b.c", "Sessions", 'a"b', "a; b", "1a", `${"a".repeat(60)}`]) {
    expect(() => requireTableName(wrong)).toThrow(/table must be a name/);
  }
});

test("no index has what a touch changes, and all is sent as one", async () => {
  const sent: string[] = [];
  await createTable(
    {
      query: async (text) => {
        sent.push(text);
        return { rows: [], rowCount: 0 };
      },
    },
    "app.s",
    true,
  );
  expect(sent).toEqual([tableStatements("app.s", true)]);
  expect(sent[0]).toMatch(/UNLOGGED TABLE IF NOT EXISTS app\.s/);
  expect(sent[0]).not.toMatch(/INDEX[^;]*(expires_at|seen_at)/);
  expect(tableStatements("s", false)).not.toMatch(/UNLOGGED/);
});
