import { expect, test } from "vitest";
import * as entry from "./postgres-entry.ts";

test("an application gets the driver, its SQL, and the relay", () => {
  expect(Object.keys(entry).sort()).toEqual(["migrations", "outboxRelay", "postgresDriver"]);
});
