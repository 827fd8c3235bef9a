import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { migrations, queueMigrations } from "./queue-migrations.ts";

test("versions count from 1", () => {
  const versions = queueMigrations("app").map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, at) => at + 1));
});

test("the script is of its schema alone", () => {
  expect(migrations()).toContain('"headroom_queue".jobs');
  expect(migrations("app")).not.toContain("headroom_queue");
  expect(() => migrations("no name")).toThrow(TypeError);
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  expect(digest(migrations("app"))).toBe(digest(migrations("app")));
});

test("no migration ends the quotes in which the script puts it", () => {
  for (const { sql } of queueMigrations("app")) expect(sql).not.toContain("$headroom");
});
