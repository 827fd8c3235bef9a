import { expect, test } from "vitest";
import * as entry from "./postgres-entry.ts";

test("an application gets the store", () => {
  expect(Object.keys(entry)).toEqual(["connectPgSimpleSessions", "postgresStore"]);
});
