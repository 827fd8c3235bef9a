import { expect, test } from "vitest";
import * as redis from "./redis-entry.ts";

test("an application gets the store and the bus", () => {
  expect(Object.keys(redis).sort()).toEqual(["redisBus", "redisStore"]);
});
