import { expect, test } from "vitest";
import * as entry from "./redis-entry.ts";

test("an application gets the store", () => {
  expect(Object.keys(entry)).toEqual(["connectRedisSessions", "redisStore"]);
});
