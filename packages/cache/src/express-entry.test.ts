import { expect, test } from "vitest";
import * as entry from "./express-entry.ts";

test("the entry is the middleware", () => {
  expect(Object.keys(entry)).toEqual(["cacheResponse"]);
});
