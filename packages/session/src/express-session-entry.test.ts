import { expect, test } from "vitest";
import * as entry from "./express-session-entry.ts";

test("an application gets the store", () => {
  expect(Object.keys(entry)).toEqual(["toExpressSessionStore"]);
});
