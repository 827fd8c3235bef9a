import { isHeadroomError } from "@headroom/core/errors";
import { expect, test } from "vitest";
import {
  CacheClosedError,
  CacheLoadTimeoutError,
  CacheManyError,
  CacheStoreTimeoutError,
  CacheValueError,
  CacheValueTooLargeError,
} from "./errors.ts";

test.each([
  [new CacheLoadTimeoutError("user", 5), "CACHE_LOAD_TIMEOUT", true],
  [new CacheStoreTimeoutError("redis", 5), "CACHE_STORE_TIMEOUT", true],
  [new CacheValueError("a function at .x"), "CACHE_VALUE_UNSUPPORTED", false],
  [new CacheValueTooLargeError(2, 1), "CACHE_VALUE_TOO_LARGE", false],
  [new CacheClosedError("app"), "CACHE_CLOSED", false],
  [
    new CacheManyError("user", new Map(), new Map([["a", new Error("x")]])),
    "CACHE_LOAD_FAILED",
    false,
  ],
])("%s has its code and says whether the same call may succeed later", (error, code, retryable) => {
  expect(isHeadroomError(error)).toBe(true);
  expect(error).toMatchObject({ code, retryable, name: error.constructor.name });
});
