import { expect, test } from "vitest";
import * as entry from "./postgres-entry.ts";

test("the entry is the invalidator", () => {
  expect(Object.keys(entry)).toEqual(["postgresInvalidator"]);
});
