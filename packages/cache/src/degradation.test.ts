import { HeadroomError } from "@headroom/core/errors";
import { expect, test } from "vitest";
import { degradationBy } from "./degradation.ts";
import { CacheStoreTimeoutError, CacheValueError, CacheValueTooLargeError } from "./errors.ts";

test.each([
  [new CacheStoreTimeoutError("redis", 50), "l2-timeout"],
  [new HeadroomError("CIRCUIT_OPEN", "open"), "l2-skipped"],
  [new CacheValueTooLargeError(2, 1), "value-too-large"],
  [new CacheValueError("a function"), "value-unsupported"],
  [new Error("ECONNREFUSED"), "l2-error"],
  [undefined, "l2-error"],
])("%s is told as %s", (cause, reason) => {
  expect(degradationBy(cause)).toBe(reason);
});
