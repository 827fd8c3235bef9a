import { expect, test } from "vitest";
import * as redis from "./redis-entry.ts";

test("an application gets the driver", () => {
  expect(Object.keys(redis)).toEqual(["redisDriver"]);
});
