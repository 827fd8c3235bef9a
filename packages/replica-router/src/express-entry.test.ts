import { expect, test } from "vitest";
import * as entry from "./express-entry.ts";

test("the adapter is all that the entry has", () => {
  expect(Object.keys(entry)).toEqual(["readYourWrites"]);
});
