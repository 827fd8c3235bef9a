import { expect, test } from "vitest";
import {
  HARMLESS_FUNCTIONS,
  PRIMARY_FUNCTIONS,
  SESSION_FUNCTIONS,
  VOLATILE_FUNCTIONS,
} from "./volatile-functions.ts";

test.each([
  "nextval",
  "pg_advisory_lock",
  "pg_notify",
  "txid_current",
  "dblink_exec",
  "set_config",
])("%s is for the primary", (name) => {
  expect(VOLATILE_FUNCTIONS.has(name)).toBe(true);
});

test.each(["random", "now", "count", "clock_timestamp", "gen_random_uuid"])(
  "%s may run on a replica",
  (name) => {
    expect(VOLATILE_FUNCTIONS.has(name)).toBe(false);
  },
);

test("nothing harmless is kept on the primary, and nothing that a session keeps is harmless", () => {
  for (const name of HARMLESS_FUNCTIONS) {
    expect(PRIMARY_FUNCTIONS.has(name) || SESSION_FUNCTIONS.has(name)).toBe(false);
  }
});
