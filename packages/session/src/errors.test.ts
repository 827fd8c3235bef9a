import { isHeadroomError } from "@headroom/core/errors";
import { expect, test } from "vitest";
import { SessionError, storeFailed } from "./errors.ts";

test("an error has a code, the status that it means and whether to try again", () => {
  const error = storeFailed("redis", new Error("connection lost"));
  expect(error).toMatchObject({ name: "SessionError", code: "SESSION_STORE_FAILED", status: 503 });
  expect(isHeadroomError(error, "SESSION_STORE_FAILED") && error.retryable).toBe(true);
  expect(error.cause).toEqual(new Error("connection lost"));
  expect(new SessionError("SESSION_VALUE", "no").status).toBe(500);
});
