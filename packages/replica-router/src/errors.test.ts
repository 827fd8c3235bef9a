import { isHeadroomError } from "@headroom/core/errors";
import { expect, test } from "vitest";
import { noPrimary, outcomeUnknown, unavailable } from "./errors.ts";

test("each error says on which thing it failed, and whether it may be tried again", () => {
  const cause = new Error("Connection terminated unexpectedly");
  const unknown = outcomeUnknown("pg1", cause);
  expect(isHeadroomError(unknown, "REPLICA_WRITE_OUTCOME_UNKNOWN")).toBe(true);
  expect(unknown).toMatchObject({ retryable: false, cause, name: "ReplicaError" });
  expect(unknown.message).toContain("pg1");
  expect(noPrimary("db", 10.4, cause)).toMatchObject({
    code: "REPLICA_NO_PRIMARY",
    retryable: true,
    message: 'no primary of "db" was found within 10 ms; nothing was sent',
  });
  expect(unavailable("db", 5, cause)).toMatchObject({ code: "REPLICA_UNAVAILABLE", cause });
});
